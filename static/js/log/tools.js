// The buttons and keys of the log.

export function bindTools(card, view, search) {
  for (const el of card.querySelectorAll("[data-script]")) {
    if (el.id !== "log-first-error" && el.id !== "log-empty") el.hidden = false;
  }
  const byId = (id) => document.getElementById(id);
  const firstError = byId("log-first-error");
  const follow = byId("log-follow");

  view.onFirstError = () => (firstError.hidden = false);
  firstError.addEventListener("click", () => view.goTo(view.firstError));
  follow.addEventListener("click", () => view.setFollow(!view.following));
  byId("log-end").addEventListener("click", () => view.setFollow(true));
  follow.setAttribute("aria-pressed", String(view.following));

  toggle(byId("log-times"), "times", view);
  toggle(byId("log-wrap"), "wrap", view);

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
    const act = keys[e.key];
    if (!act) return;
    e.preventDefault();
    act(view, search);
  });
}

const keys = {
  "/": (_, search) => search.input.focus(),
  n: (_, search) => search.move(1),
  p: (_, search) => search.move(-1),
  e: (view) => view.firstError && view.goTo(view.firstError),
  End: (view) => view.setFollow(true),
};

function typing(el) {
  return el.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

// A toggle remembers what this reader likes.
function toggle(button, name, view) {
  const key = `hubwright.log.${name}`;
  const set = (on) => {
    button.setAttribute("aria-pressed", String(on));
    view.root.classList.toggle(name, on);
  };
  set(localStorage.getItem(key) !== "off");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    localStorage.setItem(key, on ? "on" : "off");
    set(on);
    if (view.following) view.toEnd();
  });
}
