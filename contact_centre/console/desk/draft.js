// The appeal of the call as a form: kept as it is typed, registered by one key. Nothing typed is ever lost: what could
// not be kept stays in the form and is sent again.
import { SignedOut, Told, Unreachable, post } from "../base/fetching.js";
import { suggestFor } from "./combobox.js";
import { Keeping, inItsPlace } from "./keeping.js";
import { fetched, pause, place, text, write } from "./parts.js";

const section = document.getElementById("draft");
let keeping = null;
let writing = null; // the appeal whose form is shown

/** Show an appeal's form, once what is being written in another is kept. */
export async function open(appealId, page) {
  if (writing === appealId) return;
  writing = appealId;
  const wanted = () => writing === appealId;
  const load = () => fetched(page.draft.replace("/-", `/${appealId}`), wanted);
  const fragment = await inItsPlace(keeping, load, wanted, pause);
  if (!fragment) return;
  keeping?.stop();
  place(fragment);
  const form = document.getElementById("draft-form");
  if (form) begin(form, page);
  document.getElementById("category-text")?.focus();
}

/** Whether something typed has not reached the service. */
export const unkept = () => keeping?.pending ?? false;

/** Put something into a field of the form, as if it had been typed. */
export function use(name, value) {
  const field = document.getElementById("draft-form")?.elements[name];
  if (!field) return;
  field.value = value;
  for (const what of ["input", "change"]) field.dispatchEvent(new Event(what, { bubbles: true }));
}

function begin(form, page) {
  keeping = new Keeping(() => keep(form));
  const touched = () => {
    say("typed");
    keeping.touched();
  };
  form.addEventListener("input", (event) => {
    if (event.target.id !== "category-text" && event.target.name !== "service") touched();
  });
  form.addEventListener("change", () => keeping.flush());
  form.addEventListener("submit", (event) => event.preventDefault());
  const category = document.getElementById("category-text");
  let shown = category.value;
  suggestFor(category, page.categories, {
    taken: (one) => {
      category.value = shown = one.text;
      form.elements.category.value = one.value;
      touched();
      document.getElementById("address").focus();
    },
    left: () => {
      if (category.value.trim() === "" && form.elements.category.value) {
        shown = form.elements.category.value = "";
        touched();
      }
      category.value = shown;
    },
  });
  const address = document.getElementById("address");
  suggestFor(address, page.addresses, {
    taken: (one) => {
      address.value = one.value;
      touched();
      if (!one.value.endsWith(", ")) document.getElementById("description").focus();
    },
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.phrase) phrase(form, button.dataset.phrase);
    else if (button?.dataset.do) act(form, button.dataset.do, { reason: button.dataset.reason ?? "" });
  });
}

document.getElementById("nearby").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-join]");
  const form = document.getElementById("draft-form");
  if (button && form) act(form, "join", { [button.dataset.join]: button.dataset.id });
});

function phrase(form, told) {
  const field = form.elements.description;
  const before = field.value.slice(0, field.selectionEnd);
  const begun = before && !before.endsWith("\n") ? `${before}\n` : before;
  field.value = `${begun}${told} ${field.value.slice(field.selectionEnd)}`;
  field.focus();
  field.setSelectionRange(begun.length + told.length + 1, begun.length + told.length + 1);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function say(key, parameters) {
  const kept = document.getElementById("kept");
  if (!kept) return;
  kept.className = ["unreachable", "signed_out"].includes(key) ? "warned" : "quiet";
  if (key !== "signed_out") return write(kept, text(key, parameters));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = text("sign_in");
  button.addEventListener("click", async () => {
    if (await keep(document.getElementById("draft-form"), false)) await keeping.flush();
  });
  kept.replaceChildren(`${text("signed_out")} `, button);
  return undefined;
}

async function keep(form, quiet = true) {
  say("saving");
  const sent = new FormData(form);
  try {
    take(form, sent, await post(`${form.dataset.address}/save`, sent, { quiet }));
    const time = new Date().toLocaleTimeString("uk-UA", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    say("saved", { time });
    return true;
  } catch (error) {
    if (error instanceof SignedOut) say("signed_out");
    else if (error instanceof Unreachable) say("unreachable");
    else if (error instanceof Told) problem(error.message);
    else throw error;
    return error instanceof Told;
  }
}

/** What the register has now; a field that was typed into meanwhile keeps what was typed. */
function take(form, sent, { fields, problems, meanwhile, derived }) {
  for (const [name, value] of Object.entries(fields)) {
    const field = form.elements[name];
    const was = form.elements[`was.${name}`];
    if (!field || !was) continue;
    const typed = field.type === "checkbox" ? (field.checked ? "1" : "") : field.value;
    const untouched = typed === (sent.get(name) ?? "");
    was.value = value;
    if (!untouched || name in problems || meanwhile.includes(name) || field === document.activeElement) continue;
    if (field.type === "checkbox") field.checked = value === "1";
    else field.value = value;
  }
  problem("");
  for (const old of form.querySelectorAll(".field small.error")) old.remove();
  const told = { ...problems };
  for (const name of meanwhile) told[name] = text("meanwhile");
  for (const [name, message] of Object.entries(told)) {
    const small = document.createElement("small");
    small.className = "error";
    small.textContent = message;
    (form.querySelector(`.field [name="${name}"]`) ?? form).closest(".field, form").append(small);
  }
  const template = document.createElement("template");
  template.innerHTML = derived;
  place(template.content);
}

function problem(message) {
  const shown = document.getElementById("draft-problem");
  if (!shown) return;
  shown.textContent = message;
  shown.hidden = !message;
}

async function act(form, name, fields) {
  const buttons = form.querySelectorAll("#draft-actions button");
  await keeping.flush();
  const sent = new FormData(form);
  for (const [key, value] of Object.entries(fields)) sent.set(key, value);
  for (const button of buttons) button.disabled = true;
  try {
    const answer = await post(`${form.dataset.address}/${name}`, sent);
    keeping.stop();
    const template = document.createElement("template");
    template.innerHTML = answer.html;
    place(template.content);
    section.dispatchEvent(new CustomEvent("finished", { bubbles: true, detail: answer }));
    section.querySelector(".done")?.focus();
  } catch (error) {
    if (error instanceof Unreachable) say("unreachable");
    else if (error instanceof SignedOut) say("signed_out");
    else if (error instanceof Told) problem(error.message);
    else throw error;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}
