// What every page does: keys that press buttons, and forms that lose nothing.
import { followKeys } from "./keys.js";
import { guardForms } from "./guard.js";

followKeys(document);
if (document.body.dataset.session) guardForms(document);

for (const menu of document.querySelectorAll("details.person, details.choose")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
