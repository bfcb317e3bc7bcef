// Players on a page of something else: each is made when it is opened.
import { mount } from "./player.js";

for (const fold of document.querySelectorAll("details.recording")) {
  fold.addEventListener("toggle", () => fold.open && mount(fold));
}
