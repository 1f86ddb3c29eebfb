// ANSI colours become classes, the same that the server uses. All other escape
// sequences are dropped.

export function escape(text) {
  return /[&<>]/.test(text) ? text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;") : text;
}

export function toHTML(text) {
  let at = text.indexOf("\x1b");
  if (at < 0) return escape(text);
  let html = "";
  let from = 0;
  let state = unmarked;
  while (at >= 0) {
    if (at > from) html += span(text.slice(from, at), state);
    from = sequenceEnd(text, at);
    if (text[at + 1] === "[" && text[from - 1] === "m") state = after(state, text.slice(at + 2, from - 1));
    at = text.indexOf("\x1b", from);
  }
  return from < text.length ? html + span(text.slice(from), state) : html;
}

// plain is the text that toHTML shows.
export function plain(text) {
  let at = text.indexOf("\x1b");
  if (at < 0) return text;
  let out = "";
  let from = 0;
  while (at >= 0) {
    out += text.slice(from, at);
    from = sequenceEnd(text, at);
    at = text.indexOf("\x1b", from);
  }
  return out + text.slice(from);
}

// sequenceEnd is where the text goes on after the sequence at an escape.
function sequenceEnd(text, at) {
  let end = at + 2;
  if (text[at + 1] !== "[") return end;
  while (end < text.length && !isFinal(text.charCodeAt(end))) end++;
  return end + 1;
}

const isFinal = (code) => code >= 0x40 && code <= 0x7e;

function span(text, state) {
  return state.classes ? `<span class="${state.classes}">${escape(text)}</span>` : escape(text);
}

// A state knows what follows it, so that each sequence is read once and not
// for each line. There are few states, and few sequences in use.
const states = new Map();
const unmarked = stateOf({});

function stateOf(flags) {
  const classes = [];
  if (flags.bold) classes.push("a-b");
  if (flags.dim) classes.push("a-d");
  if (flags.under) classes.push("a-u");
  if (flags.fg !== undefined) classes.push(`a-${flags.fg}`);
  const key = classes.join(" ");
  let state = states.get(key);
  if (!state) states.set(key, (state = { flags, classes: key, next: new Map() }));
  return state;
}

function after(state, params) {
  let next = state.next.get(params);
  if (!next) {
    next = stateOf(apply(state.flags, params));
    if (state.next.size < 256) state.next.set(params, next);
  }
  return next;
}

function apply(flags, params) {
  let next = { ...flags };
  const codes = params.split(";");
  for (let i = 0; i < codes.length; i++) {
    const n = Number(codes[i] || 0);
    if (n === 0) next = {};
    else if (n === 1) next.bold = true;
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
