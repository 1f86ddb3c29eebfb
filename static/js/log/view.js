// The log as plain DOM: parts by step, chunks of 200 lines with
// content-visibility, so that 100,000 lines open at once and the browser's own
// search and #L links work.
import { toHTML } from "./ansi.js";

const chunkSize = 200;
const levels = { info: "i", warn: "w", error: "e", good: "g", phase: "p", command: "c", output: "o" };

export class LogView {
  constructor(root, { titles, count, empty, end, follow }) {
    this.root = root;
    this.titles = titles;
    this.countLabel = count;
    this.emptyLabel = empty;
    this.endButton = end;
    this.followButton = follow;
    this.last = 0; // the newest line number
    this.first = 0;
    this.firstError = 0;
    this.part = null; // the part that grows: {step, element, summary, from, lines, start}
    this.chunk = null;
    this.chunkLines = 0;
    this.clock = new Clock();
    this.wantsLine = lineOf(location.hash);
    this.following = !this.wantsLine;
    this.lastTop = 0;
    this.ready = false;
    this.target = null; // the line that goTo shows, until a person scrolls
    root.querySelector("noscript")?.remove();
    this.#watchScrolling();
    this.#linkNumbers();
    // Below the fold nothing is drawn and every height is an estimate. When the
    // log comes into sight, the place that was asked for has moved.
    new IntersectionObserver(([entry]) => {
      if (!this.ready || !entry.isIntersecting) return;
      if (this.following) this.toEnd();
      else if (this.target) this.#centerForGood(this.target);
    }).observe(root);
    window.addEventListener("hashchange", () => {
      const n = lineOf(location.hash);
      if (n) this.goTo(n);
    });
    // The same link once more changes no hash, but should lead there again.
    document.addEventListener("click", (e) => {
      const link = e.target.closest?.("a[href^='#L']");
      if (link && link.hash === location.hash) this.goTo(lineOf(link.hash));
    });
  }

  // append adds lines [n, unixMillis, level, step, text] that are newer than
  // the last. Lines that are here already are left out.
  append(lines) {
    let html = "";
    const flush = () => {
      if (html) this.chunk.insertAdjacentHTML("beforeend", html);
      html = "";
    };
    for (const [n, at, level, step, text] of lines) {
      if (n <= this.last) continue;
      if (!this.part || this.part.step !== step) {
        flush();
        this.#openPart(step, n, at);
      }
      if (!this.chunk || this.chunkLines >= chunkSize) {
        flush();
        this.#openChunk();
      }
      if (level === "error" && !this.firstError) this.firstError = n;
      html += `<div class="l ${levels[level] ?? "i"}" id="L${n}" data-n="${n}" data-t="${this.clock.format(at)}">${toHTML(text)}</div>`;
      this.chunkLines++;
      this.part.lines++;
      this.part.end = at;
      this.first ||= n;
      this.last = n;
    }
    flush();
    this.#labelPart();
    if (this.last) this.emptyLabel.hidden = true;
    this.countLabel.textContent = `${this.last.toLocaleString("en")} ${this.last === 1 ? "line" : "lines"}`;
    if (this.firstError) this.onFirstError?.(this.firstError);
    if (this.wantsLine && this.wantsLine <= this.last) {
      this.goTo(this.wantsLine);
    } else if (this.following && this.ready) this.toEnd();
  }

  // loaded says that the first load is done. Until then nothing scrolls: each
  // look at the end would make the browser lay out all that came so far.
  loaded() {
    this.ready = true;
    if (this.following) this.toEnd();
    this.emptyLabel.hidden = this.last > 0;
    if (this.wantsLine) this.goTo(Math.min(this.wantsLine, this.last));
  }

  line(n) {
    return document.getElementById(`L${n}`);
  }

  // goTo shows the line in the middle, with its part open. It stops following.
  goTo(n, className = "here") {
    const line = this.line(n);
    if (!line) {
      this.wantsLine = n;
      return false;
    }
    this.wantsLine = 0;
    this.setFollow(false);
    line.closest("details").open = true;
    for (const old of this.root.querySelectorAll(`.l.${className}`)) old.classList.remove(className);
    line.classList.add(className);
    this.target = line;
    this.root.scrollIntoView({ block: "nearest" });
    this.#centerForGood(line);
    return true;
  }

  // The heights of chunks that were never drawn are estimates: once the
  // neighbours are drawn, the line may have moved.
  #centerForGood(line) {
    this.#center(line);
    requestAnimationFrame(() => {
      this.#center(line);
      requestAnimationFrame(() => this.#center(line));
    });
  }

  toEnd() {
    this.#jumpToEnd();
    if (this.settling) return;
    // Chunks have estimated heights until they are drawn, so the end moves for
    // a few frames.
    let frames = 12;
    const settle = () => {
      if (this.following && !this.#atEnd()) this.#jumpToEnd();
      this.settling = this.following && --frames > 0;
      if (this.settling) requestAnimationFrame(settle);
    };
    this.settling = true;
    requestAnimationFrame(settle);
  }

  #jumpToEnd() {
    this.root.scrollTop = this.root.scrollHeight;
    this.lastTop = this.root.scrollTop;
  }

  setFollow(on) {
    this.following = on;
    this.followButton.setAttribute("aria-pressed", String(on));
    this.endButton.hidden = on || this.#atEnd();
    if (on) this.toEnd();
  }

  #center(line) {
    const box = this.root.getBoundingClientRect();
    const at = line.getBoundingClientRect();
    this.root.scrollTop += at.top - box.top - (box.height - at.height) / 2;
    this.lastTop = this.root.scrollTop;
  }

  // A line's number is drawn by the stylesheet: an element less a line halves
  // the time to open. It becomes a real link when the pointer comes near.
  #linkNumbers() {
    this.root.addEventListener("pointerover", (e) => {
      const line = e.target.closest?.(".l");
      if (!line || line.querySelector(".n")) return;
      const link = document.createElement("a");
      link.className = "n";
      link.href = `#${line.id}`;
      link.tabIndex = -1;
      link.setAttribute("aria-label", `Link to line ${line.dataset.n}`);
      line.prepend(link);
    }, { passive: true });
  }

  #atEnd() {
    return this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < 24;
  }

  // Scrolling up stops following; coming to the end resumes it. Chunks that
  // get drawn change heights, so only a person's own move counts.
  #watchScrolling() {
    let moved = 0;
    const person = () => (moved = performance.now());
    for (const type of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      this.root.addEventListener(type, person, { passive: true });
    }
    this.root.addEventListener("scroll", () => {
      const top = this.root.scrollTop;
      const byPerson = performance.now() - moved < 1500;
      if (byPerson) this.target = null;
      if (byPerson && top < this.lastTop - 2 && !this.#atEnd()) this.setFollow(false);
      else if (byPerson && top > this.lastTop && !this.following && this.#atEnd()) this.setFollow(true);
      this.endButton.hidden = this.following || this.#atEnd();
      this.lastTop = top;
    }, { passive: true });
  }

  #openPart(step, n, at) {
    this.#labelPart();
    const element = document.createElement("details");
    element.className = "part";
    element.open = true;
    const summary = document.createElement("summary");
    const title = document.createElement("span");
    title.textContent = this.titles[step] ?? (step || "Run");
    const note = document.createElement("small");
    summary.append(title, note);
    element.append(summary);
    this.root.append(element);
    this.part = { step, element, note, lines: 0, start: at, end: at };
    this.chunk = null;
  }

  #labelPart() {
    const part = this.part;
    if (!part) return;
    const lines = `${part.lines.toLocaleString("en")} ${part.lines === 1 ? "line" : "lines"}`;
    part.note.textContent = lines;
  }

  #openChunk() {
    this.chunk = document.createElement("div");
    this.chunk.className = "chunk";
    this.chunkLines = 0;
    this.part.element.append(this.chunk);
  }
}

function lineOf(hash) {
  const m = /^#L(\d+)$/.exec(hash);
  return m ? Number(m[1]) : 0;
}

// Clock writes the time of day in the reader's zone. Asking Date for each line
// would cost more than all the rest, so it is asked once a quarter of an hour
// (no zone changes its offset within one).
class Clock {
  #quarter = NaN;
  #offset = 0;

  format(ms) {
    const quarter = Math.floor(ms / 900000);
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      this.#offset = new Date(ms).getTimezoneOffset() * 60000;
    }
    const s = Math.floor((ms - this.#offset) / 1000) % 86400;
    return two[Math.floor(s / 3600)] + ":" + two[Math.floor(s / 60) % 60] + ":" + two[s % 60];
  }
}

const two = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, "0"));
