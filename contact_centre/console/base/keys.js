// Keys: an element with data-key="F2" is pressed by F2, a field is focused. Letters and digits only while nobody types.
const TYPING = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

const seen = (element) => element.checkVisibility() && !element.disabled;

export function followKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const printable = event.key.length === 1;
    if (printable && event.target.closest?.(TYPING)) return;
    if (document.querySelector("dialog[open]")) return;
    const wanted = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]`)].find(seen);
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches(TYPING)) {
      wanted.focus();
      wanted.select?.();
    } else {
      wanted.click();
      wanted.focus();
    }
  });
}
