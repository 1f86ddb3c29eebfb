// Times: <time data-at> in full in the reader's zone, which it names, <time data-ago> relative,
// <time data-since> counting up.

const full = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

// The same words as ui.Ago of the server.
export function ago(then, now) {
  const s = Math.floor((now - then) / 1000);
  if (s < -60) return `in ${duration(-s)}`;
  if (s < 5) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  if (s < 2 * 86400) return "yesterday";
  if (s < 7 * 86400) return `${Math.floor(s / 86400)} days ago`;
  const date = new Date(then);
  return (date.getFullYear() === new Date(now).getFullYear() ? day : dayYear).format(date);
}

// The same words as ui.Duration of the server.
export function duration(s) {
  if (s < 1) return "under 1 s";
  if (s < 60) return `${s} s`;
  if (s < 600 && s % 60) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) {
    const m = Math.floor(s / 60) % 60;
    return m ? `${Math.floor(s / 3600)} h ${m} min` : `${Math.floor(s / 3600)} h`;
  }
  const d = Math.floor(s / 86400);
  return d === 1 ? "1 day" : `${d} days`;
}

export function clock(s) {
  const pad = (n) => String(n).padStart(2, "0");
  if (s < 3600) return `${Math.floor(s / 60)}:${pad(s % 60)}`;
  return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
}

function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

const daytime = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// Log lines that the server rendered get the reader's zone as well.
export function localizeLines(root = document) {
  for (const el of root.querySelectorAll(".l[data-ms]")) {
    const t = daytime.format(Number(el.dataset.ms));
    if (el.dataset.t !== t) el.dataset.t = t;
  }
}

export function freshenTimes(root = document) {
  if (!root.querySelectorAll) root = document;
  const now = Date.now();
  for (const el of root.querySelectorAll("time[data-at], time[data-ago], time[data-since]")) {
    const then = Date.parse(el.dateTime);
    if (Number.isNaN(then)) continue;
    const seconds = Math.max(0, Math.floor((now - then) / 1000));
    if (el.dataset.at !== undefined) write(el, full.format(then));
    else if (el.dataset.since === "clock") write(el, clock(seconds));
    else if (el.dataset.since !== undefined) write(el, duration(seconds));
    else {
      write(el, ago(then, now));
      const title = full.format(then);
      if (el.title !== title) el.title = title;
    }
  }
}
