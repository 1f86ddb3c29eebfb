// Parts of the page refresh themselves. When the server stops answering, the
// page says since when it is old, so that nobody takes it for the present.
export function watchConnection() {
  const line = document.getElementById("offline");
  if (!line) return;
  const words = line.querySelector("span");
  const again = document.createElement("button");
  again.type = "button";
  again.className = "btn small";
  again.textContent = "Load the page again";
  again.addEventListener("click", () => location.reload());
  let lastGood = Date.now();

  // A page that only its own loading puts right offers that.
  const bad = (text, reload) => {
    words.textContent = text;
    if (reload) line.append(again);
    else again.remove();
    line.hidden = false;
  };
  const since = () => new Date(lastGood).toLocaleTimeString("en-GB");

  document.addEventListener("htmx:after:request", (e) => {
    const status = e.detail.ctx.response.status;
    if (status < 400 || status === 409 || status === 422) {
      lastGood = Date.now();
      line.hidden = true;
    } else if (status === 401) {
      bad("You are logged out. Load the page again to log in.", true);
    } else if (status === 403) {
      bad("Your role does not allow this any more: it was changed after the page was loaded.", true);
    } else {
      bad(`The server answered with an error. What you see is from ${since()}.`);
    }
  });
  // The socket of a page that is live.
  document.addEventListener("live:heard", () => {
    lastGood = Date.now();
    line.hidden = true;
  });
  document.addEventListener("live:ended", () => {
    bad("You may not see this page any more. Load it again to log in.", true);
  });
  document.addEventListener("htmx:error", () => {
    bad(`The server does not answer. What you see is from ${since()}; the page tries again by itself.`);
  });
}
