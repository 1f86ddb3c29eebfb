// Parts of the page refresh themselves. When the server stops answering, the
// page says since when it is old, so that nobody takes it for the present.
export function watchConnection() {
  const line = document.getElementById("offline");
  if (!line) return;
  const words = line.querySelector("span");
  let lastGood = Date.now();

  const bad = (text) => {
    words.textContent = text;
    line.hidden = false;
  };
  const since = () => new Date(lastGood).toLocaleTimeString("en-GB");

  document.addEventListener("htmx:after:request", (e) => {
    const status = e.detail.ctx.response.status;
    if (status < 400 || status === 409 || status === 422) {
      lastGood = Date.now();
      line.hidden = true;
    } else if (status === 401) {
      bad("You are logged out. Load the page again to log in.");
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
    bad("You may not see this page any more. Load it again to log in.");
  });
  document.addEventListener("htmx:error", () => {
    bad(`The server does not answer. What you see is from ${since()}; the page tries again by itself.`);
  });
}
