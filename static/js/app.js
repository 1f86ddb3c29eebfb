// What every page has: htmx, times in the reader's zone, confirmation, copy
// buttons, focus on errors, and a word when the server does not answer.
import htmx from "../vendor/htmx.esm.min.js";
import { freshenTimes, localizeLines } from "./times.js";
import { addCopyButtons } from "./copy.js";
import { carryState } from "./state.js";
import { watchConnection } from "./connection.js";
import { watchLive } from "./live.js";
import { watchLookups } from "./lookup.js";

// An opened <details> and a running media stay as the person left them when a
// part of the page is morphed.
htmx.registerExtension("keep-open", {
  htmx_before_morph_attr: (el, detail) =>
    !(detail.attrName === "open" && el.localName === "details"),
});

function enhance(root = document) {
  freshenTimes(root);
  localizeLines(root);
  addCopyButtons(root);
}

// On a phone the navigation and the pages of a draft are strips: where one is
// stands in them.
function showPlace() {
  for (const strip of document.querySelectorAll(".rail, .main-nav")) {
    const here = strip.querySelector("[aria-current]");
    if (here) strip.scrollLeft = here.parentElement.offsetLeft - 24;
  }
}

function focusErrors() {
  const target = document.querySelector("[data-focus]");
  if (target) target.focus();
}

// A link to a question goes to its control, or to the first one of a group.
document.addEventListener("click", (e) => {
  const link = e.target.closest?.(".summary-errors a[href^='#']");
  if (!link) return;
  const target = document.getElementById(link.hash.slice(1));
  if (!target) return;
  e.preventDefault();
  const control = target.matches("input, select, textarea") ? target : target.querySelector("input, select, textarea, button") ?? target;
  control.focus();
  (control.closest(".field") ?? control).scrollIntoView({ block: "center" });
});

document.addEventListener("submit", (e) => {
  const words = e.target.dataset.confirm;
  if (words && !window.confirm(words)) e.preventDefault();
});

// An answer that changes the questions reloads the page of a draft, which gets
// a new version by that. Who types such an answer and presses Next at once
// would come with the old one: the form waits.
const reloading = new Set();
let waiting = null;
document.addEventListener("htmx:before:request", (e) => {
  if (e.target.form?.id === "wizard-form") reloading.add(e.detail.ctx);
});
document.addEventListener("htmx:finally:request", (e) => {
  reloading.delete(e.detail.ctx);
  if (!reloading.size) requestAnimationFrame(() => waiting?.());
});
document.addEventListener("submit", (e) => {
  if (e.target.id !== "wizard-form" || !reloading.size) return;
  e.preventDefault();
  const { name, value } = e.submitter ?? {};
  const late = setTimeout(() => waiting?.(), 10_000);
  waiting = () => {
    clearTimeout(late);
    waiting = null;
    reloading.clear();
    const form = document.getElementById("wizard-form");
    form.requestSubmit([...form.elements].find((b) => b.type === "submit" && b.name === name && b.value === value));
  };
});

// The menu closes when something else is pressed, and with Escape.
document.addEventListener("click", (e) => {
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(e.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const menu of document.querySelectorAll(".menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("change", (e) => {
  const form = e.target.form;
  if (form?.dataset.autosubmit !== undefined && e.target.localName === "select") form.requestSubmit();
});

document.addEventListener("htmx:after:settle", (e) => {
  enhance(e.target.isConnected ? e.target : document);
  carryState();
});
watchConnection();
watchLive();
watchLookups();
enhance();
showPlace();
focusErrors();
setInterval(freshenTimes, 1000);
