// What the world has to say of an answer is asked while it is typed: after a
// pause, and when the field is left. Each field has one question under way at
// most, and what comes too late is not shown.
const pause = 400;
const asking = new Map(); // by the field's name: its timer and its question

export function watchLookups() {
  document.addEventListener("input", (e) => plan(e.target, pause));
  document.addEventListener("focusout", (e) => plan(e.target, 0));
}

function noteOf(field) {
  const note = field.dataset?.lookup && document.getElementById(`${field.id}-note`);
  return note || null;
}

function plan(field, wait) {
  const note = noteOf(field);
  if (!note) return;
  const under = asking.get(field.name);
  if (field.value === (under ? under.about : note.dataset.about)) {
    // Leaving the field doesn't wait for the pause.
    if (under?.timer && !wait) ask(field, note, under);
    return;
  }
  end(field.name);
  say(note, "", undefined);
  if (!field.value.trim()) return;
  const next = { about: field.value, stop: new AbortController() };
  asking.set(field.name, next);
  next.timer = setTimeout(() => ask(field, note, next), wait);
}

function end(name) {
  const under = asking.get(name);
  if (!under) return;
  clearTimeout(under.timer);
  under.stop.abort();
  asking.delete(name);
}

async function ask(field, note, { about, stop, timer }) {
  clearTimeout(timer);
  const under = asking.get(field.name);
  under.timer = null;
  note.setAttribute("aria-busy", "true");
  let words;
  try {
    const body = new URLSearchParams([...new FormData(field.form)].filter(([, v]) => typeof v === "string"));
    body.set("lookup", field.name);
    const answer = await fetch(field.dataset.lookup, { method: "POST", body, signal: stop.signal, headers: { "HX-Request": "true" } });
    words = answer.ok ? await answer.text() : refused(answer.status);
  } catch {
    words = refused(0);
  }
  if (asking.get(field.name) !== under) return;
  asking.delete(field.name);
  // The page may have been made anew meanwhile.
  const now = document.getElementById(field.id);
  const place = now && noteOf(now);
  if (!place || now.value !== about) return;
  say(place, words, about);
  // What was wrong with an older answer is not said of this one.
  now.removeAttribute("aria-invalid");
  now.closest(".field")?.classList.remove("invalid");
  document.getElementById(`${now.id}-error`)?.remove();
}

// refused is what is said when the server does not answer the question.
function refused(status) {
  const span = document.createElement("span");
  span.className = "observed warn";
  span.textContent =
    status === 401 ? "It could not be asked: you are logged out. Load the page again to log in."
    : status === 403 ? "It could not be asked: your role does not allow it any more. Load the page again."
    : "It could not be asked: the server does not answer.";
  return span.outerHTML;
}

// say shows words, made by the server, that are about a value.
function say(note, words, about) {
  note.removeAttribute("aria-busy");
  note.innerHTML = words;
  if (about === undefined) delete note.dataset.about;
  else note.dataset.about = about;
}
