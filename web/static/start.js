// Copies an example's query. The page is whole without it.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = "已复制 Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}
