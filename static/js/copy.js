// A Copy button on each block of commands.
export function addCopyButtons(root = document) {
  if (!navigator.clipboard || !root.querySelectorAll) return;
  for (const block of root.querySelectorAll("[data-copy]")) {
    if (block.querySelector(".copy")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn small copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1600);
    });
    block.append(button);
  }
}
