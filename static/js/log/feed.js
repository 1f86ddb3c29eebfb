// Where lines come from: first pages over HTTP, then a socket that goes on
// from the newest line. If no socket gets through, polling, which the badge
// says.

const pageSize = 20000;
const ahead = 5; // pages that are asked for at once: browsers have six connections
const pollSize = 2000;
const failuresBeforePolling = 3;
const silence = 45000; // the server sends a ping every 20 s

export class Feed {
  constructor(url, { expected, ended, badge, onLines, onPanel, onPoll, onLoaded }) {
    Object.assign(this, { url, expected, badge, onLines, onPanel, onPoll, onLoaded });
    this.ended = ended;
    this.cursor = 0;
    this.failures = 0;
    this.polling = false;
  }

  async start() {
    await this.#loadAll();
    this.onLoaded();
    if (this.ended) {
      this.#say("idle", "Complete");
      return;
    }
    this.#connect();
    // A laptop that wakes up should not wait for the backoff.
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  // The pages that are known to exist are asked ahead, a few at a time, so that
  // one is shown while the next ones come. What was added in the meantime
  // follows.
  async #loadAll() {
    const asked = [];
    let next = 0;
    const ask = () => {
      const page = this.#page(next, pageSize);
      page.catch(() => {}); // awaited below, in its turn
      asked.push(page);
      next += pageSize;
    };
    for (;;) {
      try {
        if (asked.length === 0) ask();
        while (asked.length < ahead && next < this.expected) ask();
        const { lines } = await asked.shift();
        this.#take(lines);
        if (lines.length < pageSize) return;
      } catch {
        this.#say("warn", "Reconnecting");
        asked.length = 0;
        next = this.cursor;
        await pause(jitter(1500));
      }
    }
  }

  async #page(after, limit) {
    const answer = await fetch(`${this.url}/log?after=${after}&limit=${limit}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`log: ${answer.status}`);
    return answer.json();
  }

  #take(lines) {
    if (!lines?.length) return;
    this.onLines(lines);
    this.cursor = Math.max(this.cursor, lines[lines.length - 1][0]);
  }

  #connect() {
    const address = new URL(`${this.url}/socket?after=${this.cursor}`, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    let watchdog;
    // A dead connection may never say so, and its close may take minutes: from
    // here on nothing of it counts.
    const lost = () => {
      clearTimeout(watchdog);
      if (this.socket !== socket) return;
      this.socket = null;
      socket.close();
      if (!this.ended) this.#again();
    };
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(lost, silence);
    };
    this.socket = socket;
    heard();
    socket.onopen = () => {
      if (this.socket !== socket) return;
      this.failures = 0;
      this.polling = false;
      this.#say("ok", "Live");
    };
    socket.onmessage = (e) => {
      if (this.socket !== socket) return;
      heard();
      const frame = JSON.parse(e.data);
      if (frame.lines) this.#take(frame.lines);
      if (frame.panel) this.onPanel(frame.panel);
      if (frame.ended) this.#end(socket);
    };
    socket.onclose = lost;
    socket.onerror = lost;
  }

  #end(socket) {
    this.ended = true;
    this.#say("idle", "Complete");
    socket?.close();
  }

  async #again() {
    this.failures++;
    if (this.failures >= failuresBeforePolling) {
      this.#poll();
      return;
    }
    this.#say("warn", "Reconnecting");
    await this.#wait(jitter(Math.min(8000, 400 * 2 ** this.failures)));
    this.#connect();
  }

  // Polling goes on until a socket gets through; that is tried now and then.
  async #poll() {
    if (this.polling) return;
    this.polling = true;
    let rounds = 0;
    while (this.polling && !this.ended) {
      try {
        const before = this.cursor;
        const { lines, ended } = await this.#page(this.cursor, pollSize);
        this.#say("warn", "Polling");
        this.#take(lines);
        const more = lines?.length >= pollSize;
        if (ended && !more) this.#end();
        if (before !== this.cursor || ended || rounds % 3 === 0) await this.onPoll();
        if (more) continue;
      } catch {
        this.#say("warn", "Reconnecting");
      }
      rounds++;
      if (rounds % 15 === 0 && !this.ended) {
        this.polling = false;
        this.failures = failuresBeforePolling - 1; // one try, then polling again
        this.#connect();
        return;
      }
      await this.#wait(jitter(2000));
    }
  }

  #wait(ms) {
    return new Promise((resolve) => {
      this.hurry = resolve;
      setTimeout(resolve, ms);
    });
  }

  #hurry() {
    this.hurry?.();
  }

  #say(tone, words) {
    this.badge.hidden = false;
    this.badge.className = `pill ${tone}`;
    if (this.badge.textContent !== words) this.badge.textContent = words;
  }
}

function jitter(ms) {
  return ms * (0.7 + Math.random() * 0.6);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
