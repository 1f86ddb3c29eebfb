// The panel above and beside the log: morphed by its id, so that focus and
// opened parts stay. It also carries the title and the favicon.
import { carryState } from "../state.js";

export async function showPanel(html) {
  await window.htmx.swap({ target: "#run-panel", text: html, swap: "outerMorph", sourceElement: document.body });
  carryState();
}

// refreshPanel is for when there is no socket.
export async function refreshPanel() {
  await window.htmx.ajax("GET", `${location.pathname}/panel`, { target: "#run-panel", swap: "outerMorph" });
  carryState();
}
