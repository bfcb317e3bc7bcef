// The operator's own state: shows it, and changes it. Asterisk keeps it; what is shown is what the live view says.
import { Told, post } from "../base/fetching.js";
import { clock } from "../base/clock.js";
import { describe } from "./presence_state.js";

const TOLD_MS = 8000;

export function mount(root, desk) {
  const at = Object.fromEntries([...root.querySelectorAll("[id^=presence-]")].map((one) => [one.id.slice(9), one]));
  const texts = new Map([...at.texts.children].map((item) => [item.dataset.key, item.textContent]));
  const addresses = at.texts.dataset;
  const sheets = [at.pauses, at.codes];
  let view = null;
  let before = null; // where the cursor was when a sheet took it
  let busy = false;
  let forget;

  const text = (key, parameters = {}) =>
    Object.entries(parameters).reduce((told, [name, value]) => told.replace(`{${name}}`, value), texts.get(key) ?? "");

  function write(element, told) {
    if (element.textContent !== told) element.textContent = told;
  }

  function draw() {
    const was = view?.state;
    view = describe(desk.operator, { now: desk.now, limit: Number(addresses.limit) });
    at.state.className = `state ${view.tone}`;
    write(at.state, text(`state_${view.state}`));
    write(at.time, view.left === null ? (view.since === null ? "" : clock(desk.now - view.since)) : text("left", { seconds: view.left }));
    const reason = view.reason && (texts.get(`reason_${view.reason}`) ?? view.reason);
    write(at.hint, desk.board.up ? (view.hint ? text(`hint_${view.hint}`, { reason: lower(reason) }) : "") : text("hint_down"));
    write(at.word, text(`main_${view.main}`));
    at.main.disabled = busy;
    at.main.setAttribute("aria-expanded", String(sheets.some((sheet) => !sheet.hidden)));
    at.more.hidden = !view.more;
    if (was !== view.state) changed(was);
  }

  // A wrap-up opens its results and leaves the cursor where somebody writes; a call closes what is open.
  function changed(was) {
    if (view.state === "wrap_up") {
      open(at.codes, { focus: false });
    } else if (was === "wrap_up" || view.state === "ringing" || view.state === "signed_out") {
      close();
    }
  }

  function open(sheet, { focus = true } = {}) {
    for (const one of sheets) one.hidden = one !== sheet;
    at.more.setAttribute("aria-expanded", String(sheet === at.pauses));
    at.main.setAttribute("aria-expanded", "true");
    if (!focus) return;
    before ??= document.activeElement;
    sheet.querySelector("button").focus();
  }

  function close() {
    const had = sheets.some((sheet) => sheet.contains(document.activeElement));
    for (const one of sheets) one.hidden = true;
    at.more.setAttribute("aria-expanded", "false");
    at.main.setAttribute("aria-expanded", "false");
    if (had) (before?.isConnected ? before : at.main).focus();
    before = null;
  }

  const toggle = (sheet) => (sheet.hidden || !sheet.contains(document.activeElement) ? open(sheet) : close());

  async function act(address, fields = {}) {
    if (busy) return;
    busy = true;
    draw();
    tell(null);
    try {
      await post(address, fields);
      close();
    } catch (error) {
      tell(error instanceof Told ? error.message : text("unreachable"));
    } finally {
      busy = false;
      draw();
    }
  }

  function tell(told) {
    clearTimeout(forget);
    at.told.hidden = !told;
    at.hint.hidden = Boolean(told);
    at.told.textContent = told ?? "";
    if (told) forget = setTimeout(() => tell(null), TOLD_MS);
  }

  const mains = {
    "sign-in": () => act(addresses.signIn),
    pause: () => toggle(at.pauses),
    ready: () => act(addresses.ready),
    cancel: () => act(addresses.ready),
    result: () => toggle(at.codes),
  };
  at.main.addEventListener("click", () => view && mains[view.main]());
  at.more.addEventListener("click", () => toggle(at.pauses));
  at.leave.addEventListener("click", () => act(addresses.signOut));
  at.pauses.addEventListener("click", (event) => {
    const { pause } = event.target.closest("button")?.dataset ?? {};
    if (pause) act(addresses.pause, { reason: pause });
  });
  at.codes.addEventListener("click", (event) => {
    const { code } = event.target.closest("button")?.dataset ?? {};
    if (code) act(addresses.wrapUp, { code });
  });

  root.addEventListener("keydown", (event) => {
    const sheet = sheets.find((one) => one.contains(event.target));
    if (!sheet) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      close();
    } else if (step) {
      const choices = [...sheet.querySelectorAll("button")];
      const next = choices.indexOf(document.activeElement) + step;
      choices[(next + choices.length) % choices.length].focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("click", (event) => {
    if (!root.contains(event.target) && !at.pauses.hidden) close();
  });

  let known = false;
  desk.addEventListener("board", () => {
    known = true;
    draw();
  });
  for (const what of ["operator", "line"]) desk.addEventListener(what, () => known && draw());
  setInterval(() => known && draw(), 1000);
}

const lower = (reason) => (reason ? reason.charAt(0).toLowerCase() + reason.slice(1) : "");
