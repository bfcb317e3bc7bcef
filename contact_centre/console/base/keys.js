// Keys: an element with data-key="F2" is pressed by F2, a field is focused. While somebody types, all keys but F1 to F12
// and Esc are theirs.
// What has data-stays is pressed where one is: the cursor stays, and a question that is open does not stop it.
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

const seen = (element) => element.checkVisibility() && !element.disabled;

export function followKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (!/^(F\d+|Escape)$/.test(event.key) && event.target.closest?.(TYPING)) return;
    const wanted = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find(seen);
    if (!wanted) return;
    const stays = "stays" in wanted.dataset;
    if (document.querySelector("dialog[open]") && !stays) return;
    event.preventDefault();
    if (stays && event.repeat) return; // a key that is held down answers and does not hang up
    if (wanted.matches(TYPING)) {
      wanted.focus();
      wanted.select?.();
    } else {
      wanted.click();
      if (!stays) wanted.focus();
    }
  });
}
