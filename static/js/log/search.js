// Search over the whole log, on the server: it also finds what is not loaded.

export class Search {
  constructor(url, view) {
    this.url = url;
    this.view = view;
    this.input = document.getElementById("log-search");
    this.label = document.getElementById("log-hits");
    this.buttons = [document.getElementById("log-previous"), document.getElementById("log-next")];
    this.hits = [];
    this.total = 0;
    this.at = -1;
    this.asked = "";
    let timer;
    this.input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.run(), 250);
    });
    this.input.addEventListener("keydown", (e) => {
      if (e.key === "Enter") {
        e.preventDefault();
        clearTimeout(timer);
        if (this.input.value.trim() === this.asked && this.hits.length) this.move(e.shiftKey ? -1 : 1);
        else this.run();
      } else if (e.key === "Escape") {
        this.input.value = "";
        this.run();
        this.view.root.focus();
      }
    });
    this.buttons[0].addEventListener("click", () => this.move(-1));
    this.buttons[1].addEventListener("click", () => this.move(1));
  }

  async run() {
    const query = this.input.value.trim();
    this.#clear();
    this.asked = query;
    if (!query) return;
    this.label.textContent = "Searching …";
    try {
      const answer = await fetch(`${this.url}/log/search?q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`search: ${answer.status}`);
      const { hits, total } = await answer.json();
      if (query !== this.asked) return; // somebody typed on
      this.hits = hits ?? [];
      this.total = total ?? this.hits.length;
    } catch {
      if (query === this.asked) this.label.textContent = "Search did not work";
      return;
    }
    for (const b of this.buttons) b.hidden = this.hits.length === 0;
    this.view.mark(this.hits);
    if (this.hits.length) this.#show(this.#nearest());
    else this.label.textContent = "No hit";
  }

  move(by) {
    if (this.hits.length) this.#show((this.at + by + this.hits.length) % this.hits.length);
  }

  // The first hit at or below what is on the screen.
  #nearest() {
    const from = this.view.topLine();
    const i = this.hits.findIndex((n) => n >= from);
    return i < 0 ? 0 : i;
  }

  #show(i) {
    this.at = i;
    const n = this.hits[i];
    const more = this.total > this.hits.length ? "+" : "";
    this.label.textContent = `${(i + 1).toLocaleString("en")} of ${this.total.toLocaleString("en")}${more && i === this.hits.length - 1 ? ", the last shown" : ""}`;
    this.view.goTo(n, "hit");
    this.#mark(this.view.line(n));
  }

  // The words themselves, through the CSS highlight API.
  #mark(line) {
    if (!line || !CSS.highlights) return;
    const query = this.asked.toLowerCase();
    const ranges = [];
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.localName === "a") continue;
      const text = node.data.toLowerCase();
      for (let i = text.indexOf(query); i >= 0; i = text.indexOf(query, i + query.length)) {
        const range = new Range();
        range.setStart(node, i);
        range.setEnd(node, Math.min(node.length, i + query.length));
        ranges.push(range);
      }
    }
    CSS.highlights.set("log-hit", new Highlight(...ranges));
  }

  #clear() {
    CSS.highlights?.delete("log-hit");
    this.view.mark([]);
    this.hits = [];
    this.at = -1;
    this.label.textContent = "";
    for (const b of this.buttons) b.hidden = true;
  }
}
