// A part of the page that refreshes itself may carry the window's title and
// the favicon: they are seen when the page is not.
export function carryState() {
  const part = document.querySelector("main [data-title]");
  if (!part) return;
  document.title = `${part.dataset.title} · Hubwright`;
  const icon = document.getElementById("favicon");
  const href = icon?.dataset[part.dataset.icon];
  if (href && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
}
