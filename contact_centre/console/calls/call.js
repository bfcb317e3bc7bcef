// One call: its player, and marks that are set where the recording stands.
import { Told, html, post } from "../base/fetching.js";
import { mount } from "./player.js";

const [player] = mount(document);
const page = document.querySelector("[data-player]")?.dataset.page;
const marking = document.querySelector("[data-marking]");

window.player = player; // for the tests' eyes

document.addEventListener("click", (event) => {
  const to = event.target.closest("[data-to]");
  if (to && player) player.to(Number(to.dataset.to));
});

marking?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const refused = marking.querySelector("[data-refused]");
  refused.hidden = true;
  const { note } = marking.elements;
  try {
    await post(marking.dataset.marking, { kind: event.submitter.value, note: note.value, second: player.at.toFixed(1) });
    const fresh = await html(page);
    for (const part of ["#marks", "[data-flags]"]) document.querySelector(part).replaceWith(fresh.querySelector(part));
    note.value = "";
  } catch (error) {
    refused.textContent = error instanceof Told ? error.message : document.querySelector("[data-player]").dataset.lost;
    refused.hidden = false;
  }
});
