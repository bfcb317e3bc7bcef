// Who calls: shown while it rings, and until the next call.
import { clock } from "../base/clock.js";
import { fetched, place, write } from "./parts.js";

export function mount(desk, page, { use }) {
  let shown = null;
  let waitedFor = null;

  const wait = () => {
    const since = desk.board.tables.waiting.get(shown)?.since;
    if (since !== undefined) waitedFor = desk.now - since;
    const told = document.getElementById("card").dataset.waited;
    if (waitedFor !== null) write(document.getElementById("waited"), clock(waitedFor));
    else if (told) write(document.getElementById("waited"), clock(Number(told) * 1000));
  };

  const show = async () => {
    const callId = desk.callId;
    const busy = desk.call !== null || ["ringing", "talking", "wrap_up"].includes(desk.operator?.state);
    if (!callId || callId === shown || !busy) return;
    shown = callId;
    waitedFor = null;
    delete document.getElementById("card").dataset.waited;
    wait();
    const fragment = await fetched(page.card.replace("/-", `/${encodeURIComponent(callId)}`), () => shown === callId);
    if (fragment) place(fragment);
    wait();
  };

  desk.addEventListener("call", show);
  desk.addEventListener("operator", show);
  desk.addEventListener("board", wait);
  setInterval(wait, 1000);
  document.getElementById("card").addEventListener("click", (event) => {
    const { name, address } = event.target.closest("button.link")?.dataset ?? {};
    if (name) use("applicant", name);
    if (address) use("address", address);
  });
}
