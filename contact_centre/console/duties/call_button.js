// A button that calls whom its page is about; beside it stands what became of the call.
import { SignedOut, Told, json, post } from "../base/fetching.js";
import { callIsComing } from "./expected.js";

const EVERY_MS = 1_500;

for (const button of document.querySelectorAll("button[data-call]")) {
  const said = document.getElementById(button.getAttribute("aria-describedby"));
  const tell = (text, refused = false) => {
    said.textContent = text;
    said.classList.toggle("refused", refused);
  };
  const follow = async (address) => {
    const told = await json(address, { quiet: true }).catch(() => null);
    if (told) tell(told.said);
    if (!told || told.goes_on) setTimeout(follow, EVERY_MS, address);
    else button.disabled = false;
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const made = await post(button.dataset.call);
      callIsComing(made.call_id);
      tell(made.said);
      follow(made.state);
    } catch (error) {
      const { offline, signedOut } = said.dataset;
      tell(error instanceof Told ? error.message : error instanceof SignedOut ? signedOut : offline, true);
      button.disabled = false;
    }
  });
}
