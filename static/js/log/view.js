// The log as plain DOM: parts by step, chunks of lines with content-visibility,
// so that 100,000 lines open at once and the browser's own search and #L links
// work.
import { Chunk, chunkSize } from "./chunk.js";

const justNow = 1500; // ms for which a move explains what comes on the screen

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
    this.part = null; // the part that grows: {step, element, note, lines}
    this.chunk = null; // the chunk that grows
    this.chunks = [];
    this.marked = new Set(); // the lines that a search found
    this.moved = performance.now(); // when the page or the person moved the log
    this.clock = new Clock();
    this.wantsLine = lineOf(location.hash);
    this.following = !this.wantsLine;
    this.lastTop = 0;
    this.ready = false;
    this.target = null; // the line that goTo shows, until a person scrolls
    root.querySelector("noscript")?.remove();
    this.#watchScrolling();
    this.#watchChunks();
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
    let i = lines.findIndex((l) => l[0] > this.last);
    while (i >= 0 && i < lines.length) {
      const [n, , , step] = lines[i];
      if (!this.part || this.part.step !== step) this.#openPart(step);
      if (!this.chunk || this.chunk.last - this.chunk.first + 1 >= chunkSize) this.#openChunk(n);
      const room = i + chunkSize - (this.chunk.last - this.chunk.first + 1);
      let end = i;
      while (end < lines.length && end < room && lines[end][3] === step) {
        if (lines[end][2] === "error" && !this.firstError) this.firstError = lines[end][0];
        end++;
      }
      const piece = lines.slice(i, end);
      this.chunk.add(piece, this.clock);
      this.part.lines += piece.length;
      this.first ||= n;
      this.last = this.chunk.last;
      i = end;
    }
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

  // line is the element of a line, or null. Its chunk gets its lines for it.
  line(n) {
    let low = 0;
    let high = this.chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.chunks[middle].first <= n) low = middle;
      else high = middle - 1;
    }
    if (this.chunks.length) this.#dress(this.chunks[low]);
    return document.getElementById(`L${n}`);
  }

  // mark shows which lines a search found, also those that are drawn later.
  mark(numbers) {
    for (const el of this.root.querySelectorAll(".l.match, .l.hit")) el.classList.remove("match", "hit");
    this.marked = new Set(numbers);
    if (this.marked.size) for (const el of this.root.querySelectorAll(".l")) this.#markOne(el);
  }

  #markOne(el) {
    if (this.marked.has(Number(el.dataset.n))) el.classList.add("match");
  }

  // topLine is the number of the first line on the screen, 0 for none.
  topLine() {
    this.#dressNear();
    const box = this.root.getBoundingClientRect();
    const line = document.elementFromPoint(box.left + box.width / 2, box.top + 40)?.closest?.(".l");
    return line ? Number(line.dataset.n) : 0;
  }

  #dress(chunk) {
    if (!chunk.dress(this.clock)) return;
    this.watcher.unobserve(chunk.element);
    this.near.delete(chunk);
    if (this.marked.size) for (const el of chunk.element.children) this.#markOne(el);
  }

  // Chunks that come near the screen get their lines, unless it was the
  // browser's search that brought them: then the focus is in its field, and
  // what it found must stay as it is until the person comes back to the log.
  #watchChunks() {
    this.near = new Set();
    const chunkOf = new WeakMap();
    this.watcher = new IntersectionObserver((entries) => {
      for (const e of entries) {
        if (e.isIntersecting) this.near.add(chunkOf.get(e.target));
        else this.near.delete(chunkOf.get(e.target));
      }
      const expected = document.hasFocus() || performance.now() - this.moved < justNow || (this.following && this.#atEnd());
      if (expected) this.#dressNear();
    }, { root: this.root, rootMargin: "800px 0px" });
    this.watch = (chunk) => {
      chunkOf.set(chunk.element, chunk);
      this.watcher.observe(chunk.element);
    };
    // The browser selects what it found when its field closes: after the focus.
    window.addEventListener("focus", () => setTimeout(() => this.#dressNear(), 100));
    window.addEventListener("beforeprint", () => this.chunks.forEach((c) => this.#dress(c)));
  }

  #dressNear() {
    for (const chunk of this.near) this.#dress(chunk);
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
    this.moved = performance.now();
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
    this.moved = performance.now();
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
    const person = () => {
      moved = this.moved = performance.now();
      this.#dressNear();
    };
    for (const type of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      this.root.addEventListener(type, person, { passive: true });
    }
    this.root.addEventListener("scroll", () => {
      const top = this.root.scrollTop;
      const byPerson = performance.now() - moved < justNow;
      if (byPerson) this.target = null;
      if (byPerson && top < this.lastTop - 2 && !this.#atEnd()) this.setFollow(false);
      else if (byPerson && top > this.lastTop && !this.following && this.#atEnd()) this.setFollow(true);
      this.endButton.hidden = this.following || this.#atEnd();
      this.lastTop = top;
    }, { passive: true });
  }

  #openPart(step) {
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
    this.part = { step, element, note, lines: 0 };
    this.chunk = null;
  }

  #labelPart() {
    const part = this.part;
    if (!part) return;
    const lines = `${part.lines.toLocaleString("en")} ${part.lines === 1 ? "line" : "lines"}`;
    part.note.textContent = lines;
  }

  #openChunk(n) {
    this.chunk = new Chunk(n);
    this.chunks.push(this.chunk);
    this.part.element.append(this.chunk.element);
    this.watch(this.chunk);
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
