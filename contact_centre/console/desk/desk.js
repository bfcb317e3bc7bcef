// The desk page: one stream of what happens, and the parts that show it.
import { html } from "../base/fetching.js";
import { sessionLives } from "../base/guard.js";
import * as card from "./card.js";
import { Desk } from "./desk_state.js";
import * as draft from "./draft.js";
import * as phone from "./phone_panel.js";
import { place } from "./parts.js";
import * as queue from "./queue.js";
import * as bookmarks from "../calls/bookmarks.js";
import { followStream } from "./stream.js";
import * as presence from "../presence/presence.js";
import * as directory from "../directory/directory.js";
import * as duties from "../duties/duties.js";

const desk = new Desk();
const page = document.getElementById("desk").dataset;
const BUSY = new Set(["ringing", "talking", "wrap_up"]);

phone.mount(document.getElementById("phone"), desk);
presence.mount(document.getElementById("presence"), desk);
queue.mount(desk);
card.mount(desk, page, draft);
bookmarks.mount(document.getElementById("bookmarks"), desk);
duties.mount(document.getElementById("duties"), desk);
directory.mount(document.getElementById("directory"), desk);

// ---- the draft of the call

async function showDraft() {
  if (!desk.appealId || !(desk.call || BUSY.has(desk.operator?.state))) return;
  await draft.open(desk.appealId, page);
}
desk.addEventListener("appeal", showDraft);
desk.addEventListener("call", showDraft);
desk.addEventListener("operator", showDraft);

// ---- drafts that wait

async function showUnfinished() {
  const section = document.getElementById("unfinished");
  place(await html(page.unfinished, { quiet: true }));
  section.hidden = section.childElementCount === 0;
}
document.getElementById("unfinished").addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfinished]");
  if (button) draft.open(button.dataset.unfinished, page);
});
for (const what of ["appeal", "line"]) desk.addEventListener(what, () => showUnfinished().catch(() => {}));
document.addEventListener("finished", () => showUnfinished().catch(() => {}));

// ---- the connection to the service

desk.addEventListener("line", () => {
  for (const told of document.querySelectorAll("[data-stream]")) told.hidden = told.dataset.stream !== desk.line;
});
document.getElementById("sign-in-again").addEventListener("click", async () => {
  if (await sessionLives().catch(() => false)) followStream(page.live, desk);
});
followStream(page.live, desk);

// ---- this page telephones: it is not left by accident, and links open beside it

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && !link.hash) link.target = "_blank";
}, { capture: true });
window.addEventListener("beforeunload", (event) => {
  if (desk.talking || draft.unkept()) event.preventDefault();
});

window.desk = desk;
