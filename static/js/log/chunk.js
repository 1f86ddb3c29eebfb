// A chunk is up to 200 lines of the log. It begins as one plain text, which
// costs next to nothing and which the browser's own search finds, and gets its
// lines with numbers and colours when it comes near the screen.
import { toHTML, plain } from "./ansi.js";

export const chunkSize = 200;
const levels = { info: "i", warn: "w", error: "e", good: "g", phase: "p", command: "c", output: "o" };

export class Chunk {
  constructor(first) {
    this.first = first; // number of its first line
    this.last = first - 1;
    this.lines = []; // those that are plain text still; null once it is dressed
    this.element = document.createElement("div");
    this.element.className = "chunk plain";
    this.text = document.createTextNode("");
    this.element.append(this.text);
  }

  // add appends lines [n, unixMillis, level, step, text].
  add(lines, clock) {
    if (this.lines) {
      const more = lines.map((l) => plain(l[4])).join("\n");
      this.text.appendData(this.lines.length ? `\n${more}` : more);
      this.lines.push(...lines);
    } else {
      this.element.insertAdjacentHTML("beforeend", html(lines, clock));
    }
    this.last = lines[lines.length - 1][0];
  }

  // dress gives the chunk its lines. What is selected stays selected: it may be
  // what the browser's search has found. True if there was anything to do.
  dress(clock) {
    if (!this.lines) return false;
    const keep = this.#selected();
    this.element.classList.remove("plain");
    this.element.innerHTML = html(this.lines, clock);
    this.lines = null;
    this.text = null;
    keep?.();
    return true;
  }

  #selected() {
    const s = document.getSelection();
    if (!s?.rangeCount || (s.anchorNode !== this.text && s.focusNode !== this.text)) return null;
    const { anchorNode, anchorOffset, focusNode, focusOffset } = s;
    const text = this.text;
    const starts = [];
    let at = 0;
    for (const line of text.data.split("\n")) {
      starts.push(at);
      at += line.length + 1;
    }
    const place = (node, offset) => {
      if (node !== text) return [node, offset];
      let i = starts.length - 1;
      while (starts[i] > offset) i--;
      return inside(this.element.children[i], offset - starts[i]);
    };
    return () => s.setBaseAndExtent(...place(anchorNode, anchorOffset), ...place(focusNode, focusOffset));
  }
}

// inside is the place of a character in a line's element.
function inside(line, offset) {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (offset <= node.length) return [node, offset];
    offset -= node.length;
  }
  return [line, line.childNodes.length];
}

function html(lines, clock) {
  let out = "";
  for (const [n, at, level, , text] of lines) {
    out += `<div class="l ${levels[level] ?? "i"}" id="L${n}" data-n="${n}" data-t="${clock.format(at)}">${toHTML(text)}</div>`;
  }
  return out;
}
