// The page of a run: the log, its feed, the search, and the panel that the
// server sends.
import { LogView } from "./log/view.js";
import { Feed } from "./log/feed.js";
import { Search } from "./log/search.js";
import { bindTools } from "./log/tools.js";
import { showPanel, refreshPanel } from "./log/panel.js";

const card = document.getElementById("log");
if (card) {
  const url = `/runs/${encodeURIComponent(card.dataset.run)}`;
  const view = new LogView(document.getElementById("log-view"), {
    titles: JSON.parse(card.dataset.steps || "{}"),
    count: document.getElementById("log-count"),
    empty: document.getElementById("log-empty"),
    end: document.getElementById("log-end"),
    follow: document.getElementById("log-follow"),
  });
  const feed = new Feed(url, {
    expected: Number(card.dataset.lines) || 0,
    ended: card.dataset.ended === "true",
    badge: document.getElementById("log-badge"),
    onLines: (lines) => view.append(lines),
    onPanel: showPanel,
    onPoll: refreshPanel,
    onLoaded: () => {
      view.loaded();
      performance.mark("log-loaded");
    },
  });
  const search = new Search(url, view);
  bindTools(card, view, search);
  feed.start();
}
