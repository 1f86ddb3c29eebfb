// ANSI colours become classes, the same that the server uses. All other escape
// sequences are dropped.

const sequence = /\x1b(?:\[([0-9;:?]*)[ -/]*([@-~])|[^[])?/g;

export function escape(text) {
  return /[&<>]/.test(text) ? text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;") : text;
}

export function toHTML(text) {
  if (!text.includes("\x1b")) return escape(text);
  let html = "";
  let from = 0;
  let state = {};
  sequence.lastIndex = 0;
  for (const m of text.matchAll(sequence)) {
    html += span(text.slice(from, m.index), state);
    from = m.index + m[0].length;
    if (m[2] === "m") state = apply(state, m[1]);
  }
  return html + span(text.slice(from), state);
}

function span(text, state) {
  if (!text) return "";
  const classes = [];
  if (state.bold) classes.push("a-b");
  if (state.dim) classes.push("a-d");
  if (state.under) classes.push("a-u");
  if (state.fg !== undefined) classes.push(`a-${state.fg}`);
  return classes.length ? `<span class="${classes.join(" ")}">${escape(text)}</span>` : escape(text);
}

function apply(state, params) {
  const next = { ...state };
  const codes = params.split(";");
  for (let i = 0; i < codes.length; i++) {
    const n = Number(codes[i] || 0);
    if (n === 0) {
      for (const key in next) delete next[key];
    } else if (n === 1) next.bold = true;
    else if (n === 2) next.dim = true;
    else if (n === 4) next.under = true;
    else if (n === 22) next.bold = next.dim = false;
    else if (n === 24) next.under = false;
    else if (n >= 30 && n <= 37) next.fg = n - 30;
    else if (n >= 90 && n <= 97) next.fg = n - 82;
    else if (n === 39) next.fg = undefined;
    else if (n === 38 || n === 48) i += codes[i + 1] === "5" ? 2 : 4;
  }
  return next;
}
