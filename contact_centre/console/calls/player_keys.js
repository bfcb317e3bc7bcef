// Keys of the player that was used last: space, arrows, 1 to 3. Who types, or has a menu open, is left alone.
const TYPING = "input:not([type=range]), textarea, select, summary, [contenteditable]";
const SPEEDS = { 1: 1, 2: 1.5, 3: 2 };

let current = null;

export function followPlayerKeys(root, player) {
  current ??= player;
  root.addEventListener("pointerdown", () => { current = player; });
  root.addEventListener("focusin", () => { current = player; });
}

document.addEventListener("keydown", (event) => {
  if (!current || event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.(TYPING)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === " " && event.target.closest?.("button, a")) return; // presses what has the focus
  const done = act(event.key);
  if (done) event.preventDefault();
});

function act(key) {
  if (key === " ") current.play();
  else if (key === "ArrowLeft") current.back();
  else if (key === "ArrowRight") current.on();
  else if (key in SPEEDS) current.speed(SPEEDS[key]);
  else return false;
  return true;
}
