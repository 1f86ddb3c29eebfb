// A part of the page that hears of its own changes: a socket brings what is
// new, morphed by id. Without one the part asks for itself every few seconds,
// and what got old meanwhile is called old, by this clock when the server is
// gone.
import { carryState } from "./state.js";
import { freshenTimes } from "./times.js";

const silence = 45000; // the server sends a ping every 20 s
const pollEvery = 10000;
const notAllowed = 4001;

export function watchLive() {
  const root = document.querySelector(".live");
  if (root) new Live(root).start();
}

class Live {
  constructor(root) {
    this.id = root.id;
    this.failures = 0;
    this.live = false;
    this.ended = false;
    this.queue = Promise.resolve();
    this.#clock(Date.parse(root.dataset.now));
  }

  // The part may be replaced as a whole: it is looked up each time.
  get root() {
    return document.getElementById(this.id);
  }

  start() {
    this.#connect();
    setInterval(() => this.#poll(), pollEvery);
    setInterval(() => this.#age(), 1000);
    window.addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
    document.addEventListener("htmx:after:settle", () => this.root && this.#clock(Date.parse(this.root.dataset.now)));
  }

  #connect() {
    if (this.socket || this.ended) return;
    const address = new URL(this.root.dataset.live, location.href);
    address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("version", this.root.dataset.version);
    const socket = new WebSocket(address);
    let watchdog;
    const lost = (e) => {
      clearTimeout(watchdog);
      if (this.socket !== socket) return;
      this.socket = null;
      this.live = false;
      socket.close();
      if (e?.code === notAllowed) return this.#barred();
      this.failures++;
      this.#say("warn", this.failures > 2 ? "Polling" : "Reconnecting");
      if (this.failures > 2) this.#poll();
      this.again = setTimeout(() => this.#connect(), jitter(Math.min(60000, 500 * 2 ** this.failures)));
    };
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(lost, silence);
    };
    this.socket = socket;
    heard();
    socket.onmessage = (e) => {
      if (this.socket !== socket) return;
      heard();
      if (!this.live) {
        this.live = true;
        this.failures = 0;
        this.#say("ok", "Live");
        document.dispatchEvent(new Event("live:heard"));
      }
      // One after the other: a morph takes a moment.
      this.queue = this.queue.then(() => this.#take(JSON.parse(e.data))).catch(() => lost());
    };
    socket.onclose = lost;
    socket.onerror = () => lost();
  }

  async #take(frame) {
    if (frame.whole) await swap(`${this.id}-parts`, frame.whole);
    for (const [id, html] of Object.entries(frame.parts ?? {})) await swap(id, html);
    const root = this.root;
    if (frame.version) {
      root.dataset.version = frame.version;
      root.dataset.title = frame.title;
      root.dataset.icon = frame.icon;
      carryState();
    }
    if (frame.now) {
      this.#clock(frame.now);
      setTime(document.getElementById(`${this.id}-as-of`), frame.now);
    }
    for (const [id, at] of Object.entries(frame.checked ?? {})) setTime(document.getElementById(id), at);
    freshenTimes(root);
    this.#age();
  }

  #poll() {
    if (this.live || this.ended || this.failures < 1 || document.hidden) return;
    window.htmx.trigger(this.root, "poll");
  }

  #hurry() {
    if (this.socket || this.ended) return;
    clearTimeout(this.again);
    this.#connect();
  }

  #barred() {
    this.ended = true;
    this.#say("bad", "Ended");
    document.dispatchEvent(new CustomEvent("live:ended"));
  }

  // How far the clock here is before the server's.
  #clock(server) {
    if (server) this.ahead = Date.now() - server;
  }

  // Healths whose answer is older than it may be are called old.
  #age() {
    const after = Number(this.root?.dataset.staleAfter) * 1000;
    if (!after) return;
    for (const el of this.root.querySelectorAll("[data-ages]")) {
      const at = Date.parse(document.getElementById(el.dataset.ages)?.querySelector("time")?.dateTime);
      if (!at || Date.now() - this.ahead - at <= after) continue;
      const pill = el.querySelector(".pill");
      if (!pill || pill.textContent.trim() === el.dataset.was) continue;
      pill.className = "pill warn";
      pill.querySelector("span").textContent = el.dataset.was;
      const tile = el.closest(".wall-tile");
      if (tile) tile.className = "wall-tile warn";
      for (const whole of this.root.querySelectorAll(".meta > .pill.ok, section > header > .pill.ok, section > header .with-pill > .pill.ok")) {
        if (whole.closest("section")?.contains(el) === false && !whole.closest("#part-top")) continue;
        whole.className = "pill warn";
        whole.querySelector("span").textContent = "Stale";
      }
      // What is shown is not what the server made: it has to send all again.
      this.root.dataset.version = "";
    }
  }

  #say(tone, words) {
    const badge = document.getElementById("live-badge");
    if (!badge) return;
    badge.hidden = false;
    badge.className = `pill ${tone}`;
    if (badge.textContent !== words) badge.textContent = words;
  }
}

// Who is in a part that is replaced stays in it: the button that was pressed
// may have become another one.
async function swap(id, text) {
  const old = document.getElementById(id);
  if (!old) throw new Error(`no ${id}`);
  const within = old.contains(document.activeElement) && document.activeElement.closest("[id]")?.id;
  await window.htmx.swap({ target: `#${CSS.escape(id)}`, text, swap: "outerMorph", sourceElement: document.body });
  if (!within || document.activeElement !== document.body) return;
  const place = document.getElementById(within) ?? document.getElementById(id);
  const next = place?.querySelector("a, button, summary, select, input:not([type=hidden])") ?? document.getElementById("main");
  next.focus({ preventScroll: true });
}

function setTime(holder, at) {
  const time = holder?.querySelector("time");
  if (time) time.dateTime = new Date(at).toISOString();
}

function jitter(ms) {
  return ms * (0.7 + Math.random() * 0.6);
}
