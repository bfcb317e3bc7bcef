// Who calls: shown while it rings, and until the next call.
import { html } from "../base/fetching.js";
import { clock, place, write } from "./parts.js";

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
    for (let again = 1; shown === callId; again = Math.min(8, again * 2)) {
      try {
        const fragment = await html(page.card.replace("/-", `/${encodeURIComponent(callId)}`), { quiet: true });
        if (shown === callId) place(fragment);
        wait();
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, again * 500));
      }
    }
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
