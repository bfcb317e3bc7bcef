// Players on a page of something else: each is made when it is opened.
import { mount } from "./player.js";

for (const fold of document.querySelectorAll("details.recording")) {
  const opened = () => fold.open && mount(fold);
  fold.addEventListener("toggle", opened);
  opened();
}
