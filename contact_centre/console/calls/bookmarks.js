// Marks in the call that goes on: F3, and one key says what. The hand on the other words stays where it is: nothing is
// typed, and the cursor does not move. The moment is that of F3; a service that is away gets it later.
import { clock } from "../base/clock.js";
import { Told, Unreachable, post } from "../base/fetching.js";

const KEYS = ["Digit1", "Digit2", "Digit3", "Digit4"];
const OPEN_MS = 6_000;
const AGAIN_MS = 2_000;
const PATIENCE_MS = 10 * 60_000; // as long as the service takes marks of a moment ago
const NOT_YET = 3; // how often a call that the log does not have yet is asked for again

const filled = (form, values) => form.replace(/{(\w+)}/g, (_, name) => values[name]);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function mount(root, desk) {
  const strip = root.querySelector("[data-marks]");
  const [begin, kinds, said] = ["[data-begin]", "[data-kinds]", "[data-said]"].map((one) => strip.querySelector(one));
  const { saidMarked, saidNone, saidWaits, saidChoose, mark } = strip.dataset;
  let place = null; // {callId, at, into}: what F3 was pressed for, and how long the call had lasted
  let closing = 0;

  function open() {
    if (place) return close();
    if (!desk.call) {
      said.textContent = saidNone;
      return;
    }
    place = { callId: desk.call.call_id, at: performance.now(), into: desk.now - desk.call.since };
    kinds.hidden = false;
    begin.setAttribute("aria-expanded", "true");
    said.textContent = saidChoose;
    closing = setTimeout(close, OPEN_MS);
  }

  function close() {
    clearTimeout(closing);
    if (place) said.textContent = "";
    place = null;
    kinds.hidden = true;
    begin.setAttribute("aria-expanded", "false");
  }

  function choose(button) {
    const chosen = place;
    close();
    if (chosen) keep(chosen, button.dataset.kind, button.firstChild.textContent.trim());
  }

  async function keep({ callId, at, into }, kind, name) {
    const address = mark.replace("/-/", `/${encodeURIComponent(callId)}/`);
    for (let refused = 0; performance.now() - at < PATIENCE_MS; await wait(AGAIN_MS)) {
      const ago = ((performance.now() - at) / 1000).toFixed(1);
      try {
        await post(address, { kind, ago }, { quiet: true });
        said.textContent = filled(saidMarked, { kind: name, at: clock(into) });
        return;
      } catch (error) {
        if (error instanceof Told && (error.status !== 404 || (refused += 1) >= NOT_YET)) {
          said.textContent = error.message;
          return;
        }
        if (error instanceof Unreachable) said.textContent = filled(saidWaits, { kind: name });
      }
    }
  }

  begin.addEventListener("click", open);
  for (const button of kinds.querySelectorAll("[data-kind]")) button.addEventListener("click", () => choose(button));
  document.addEventListener("keydown", (event) => {
    if (!place || event.ctrlKey || event.altKey || event.metaKey) return;
    const number = KEYS.indexOf(event.code.replace("Numpad", "Digit"));
    if (number < 0 && event.key !== "Escape") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (number < 0) close();
    else choose(kinds.querySelectorAll("[data-kind]")[number]);
  }, { capture: true });
  desk.addEventListener("call", () => place && desk.call?.call_id !== place.callId && close());
}
