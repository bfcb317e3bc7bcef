/**
 * The strip of the telephone at the top of the desk: shows what phone_view.js makes of the telephone's state, and
 * presses its keys. What it shows of a talk comes from the telephone alone; the live view of our service adds the name
 * and the number as people write it, and may be away.
 */
import { SignedOut, Told, Unreachable, post } from "../base/fetching.js";
import { DevicePanel } from "./device_panel.js";
import { rings } from "./audio.js";
import { INITIAL, NotNow } from "./phone_state.js";
import { clock } from "../base/clock.js";
import { describe, extensionOf } from "./phone_view.js";
import { TablePhone } from "./table_phone.js";

/** When the account is asked for again: soon where the service did not answer, later where it said no. */
const AGAIN_MS = 3000;
const LATER_MS = 30_000;
/** So long stands what the service said to a command. */
const TOLD_MS = 8000;
const TITLE = document.title;

/** Nobody can telephone here; the service says why. */
class NoPhone extends EventTarget {
  kind = "none";
  state;
  talking = false;

  constructor(line) {
    super();
    this.state = { ...INITIAL, line };
  }

  expect() {}
}

export function mount(root, desk) {
  const at = Object.fromEntries([...root.querySelectorAll("[id^=phone-]")].map((one) => [one.id.slice(6), one]));
  const texts = new Map([...at.texts.children].map((item) => [item.dataset.key, item.textContent]));
  const text = (key, target) => (texts.get(key) ?? "").replace("{target}", target ?? "");
  let phone = new NoPhone("connecting");
  let colleagues = [];
  let why = texts.get("connecting");
  let told = null;
  let asked = null; // whom a phone on the table calls, before the citizen is put through
  let silent = false;
  let lineSince = Date.now();
  let phaseSince = Date.now();
  let [line, phase] = ["", ""];

  const named = (extension) => {
    const found = colleagues.find((one) => one.extension === extension);
    return found ? `${found.name} (${extension})` : extension;
  };

  function set(element, content) {
    if (element.textContent !== content) element.textContent = content;
  }

  function showCaller(call) {
    const known = call?.callId && desk.call?.call_id === call.callId ? desk.call : null;
    set(at.line, call?.line ?? known?.line ?? "");
    const number = known?.number || call?.from.number;
    const unknown = call && (phone.kind === "sip" && !call.callId ? texts.get("inside") : texts.get("withheld"));
    set(at.number, number && number !== "anonymous" ? number : unknown ?? "");
    const name = known?.name || call?.from.name || "";
    set(at.name, name === number ? "" : name);
  }

  function sentence(notice) {
    if (told && Date.now() < told.until) return told.text;
    if (notice?.key === "none") return why;
    if (asked) return text("forward_asked", named(asked));
    return notice ? text(notice.key, notice.target && named(notice.target)) : "";
  }

  function showNotice(notice) {
    root.dataset.notice = told && Date.now() < told.until ? "late" : notice?.tone ?? "";
    set(at.notice, sentence(notice));
    at.link.hidden = !notice?.link;
    if (notice?.link) {
      at.link.href = notice.link;
      set(at.link, notice.link);
    }
    at.act.hidden = !notice?.action;
    at.act.dataset.action = notice?.action ?? "";
    if (notice?.action) set(at.act, texts.get(`act_${notice.action}`));
  }

  function showButtons(buttons) {
    at.answer.hidden = !buttons.answer.shown;
    at.answer.disabled = !buttons.answer.can;
    at.end.hidden = buttons.answer.shown;
    at.end.disabled = !buttons.end.can;
    for (const name of ["hold", "mute", "forward"]) {
      const { word, can, on } = buttons[name];
      set(at[name].firstElementChild, texts.get(word));
      at[name].disabled = !can;
      if (on !== undefined) at[name].setAttribute("aria-pressed", String(on));
    }
    at.keys.disabled = !buttons.keys.can;
    if (!buttons.keys.can) close(at.pad);
    if (!buttons.forward.can || buttons.forward.word !== "forward") close(at.to);
  }

  function draw() {
    const { state } = phone;
    const now = Date.now();
    if (line !== state.line) [line, lineSince] = [state.line, now];
    const present = `${state.call?.id ?? ""} ${state.call?.phase ?? ""}`;
    if (phase !== present) {
      [phase, phaseSince] = [present, now];
      if (state.call?.phase !== "talking") asked = null;
    }
    const known = {
      microphone: phone.microphone ?? null,
      waitedMs: now - lineSince,
      answeredMs: now - phaseSince,
      uri: phone.uri ?? null,
      silent,
      up: desk.up,
    };
    const { badge, notice, buttons } = describe(phone.kind, state, known);
    root.dataset.kind = phone.kind;
    root.dataset.line = phone.microphone ? "off" : state.line;
    root.dataset.phase = state.consult ? `consult-${state.consult.phase}` : state.call?.phase ?? "";
    at.state.className = `state ${badge.tone}`;
    set(at.state, texts.get(`state_${badge.word}`));
    showCaller(state.call);
    showNotice(notice);
    showButtons(buttons);
    set(at.clock, state.call ? clock(now - phaseSince) : "");
    const title = state.call?.phase === "ringing" ? `☎ ${texts.get("incoming")} · ${TITLE}` : TITLE;
    if (document.title !== title) document.title = title;
  }

  /** A command that came too late or too early changes nothing, and the strip says by itself how things are. */
  async function command(act) {
    try {
      await act();
    } catch (error) {
      if (error instanceof NotNow || error instanceof SignedOut) return;
      told = { text: error instanceof Told ? error.message : texts.get("service_away"), until: Date.now() + TOLD_MS };
      draw();
    }
  }

  // ---- what opens under the strip

  const sheets = new Map([[at.to, at.forward], [at.pad, at.keys], [at.choice, at.devices]]);

  function close(sheet) {
    if (sheet.hidden) return;
    const inside = sheet.contains(document.activeElement);
    sheet.hidden = true;
    sheets.get(sheet).setAttribute("aria-expanded", "false");
    if (sheet === at.to) at.forward.dataset.key = "F6";
    if (sheet === at.choice) chooser.close();
    if (inside) sheets.get(sheet).focus();
  }

  function open(sheet) {
    for (const other of sheets.keys()) if (other !== sheet) close(other);
    if (!sheet.hidden) return close(sheet);
    sheet.hidden = false;
    sheets.get(sheet).setAttribute("aria-expanded", "true");
    return undefined;
  }

  const chooser = new DevicePanel(at.choice, at.level, texts, (devices) => command(() => phone.use?.(devices)));
  for (const sheet of sheets.keys()) {
    sheet.querySelector("[data-close]").addEventListener("click", () => close(sheet));
  }
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const sheet of sheets.keys()) close(sheet);
  });
  document.addEventListener("click", (event) => {
    if (!root.contains(event.target)) for (const sheet of sheets.keys()) close(sheet);
  });

  // ---- keys

  at.answer.addEventListener("click", () => command(() => phone.answer()));
  at.end.addEventListener("click", () => command(() => phone.hangUp()));
  at.mute.addEventListener("click", () => command(() => (phone.state.call?.muted ? phone.unmute() : phone.mute())));
  at.hold.addEventListener("click", () => command(() => {
    if (phone.state.consult) return phone.cancelForward();
    return phone.state.call?.held ? phone.unhold() : phone.hold();
  }));
  at.keys.addEventListener("click", () => open(at.pad));
  at.devices.addEventListener("click", () => {
    open(at.choice);
    if (!at.choice.hidden) chooser.open();
  });
  for (const button of at.pad.querySelectorAll("[data-digit]")) {
    button.addEventListener("click", () => command(() => {
      phone.press(button.dataset.digit);
      at.pressed.textContent = (at.pressed.textContent + button.dataset.digit).slice(-16);
    }));
  }

  const [to, problem] = [at.to.elements.extension, at.to.querySelector(".error")];
  at.forward.addEventListener("click", () => {
    if (phone.state.consult) return command(() => phone.completeForward());
    open(at.to);
    delete at.forward.dataset.key; // F6 is now for putting through at once
    problem.hidden = true;
    to.value = "";
    return to.focus();
  });

  function forward(attended) {
    const extension = extensionOf(to.value, colleagues);
    problem.hidden = extension !== null;
    problem.textContent = texts.get("nobody");
    if (extension === null) return to.select();
    close(at.to);
    return command(async () => {
      await phone.forward(extension, { attended });
      if (phone.kind === "sip" && attended) asked = extension;
      draw();
    });
  }
  at.through.dataset.key = "F6";
  at.through.addEventListener("click", () => forward(false));
  at.to.addEventListener("submit", (event) => {
    event.preventDefault();
    forward(true);
  });

  // ---- the telephone itself

  const account = () => post(at.texts.dataset.issue);
  const ask = (action, fields) => post(at.texts.dataset[action], fields);

  function take(one) {
    phone = one;
    phone.addEventListener("change", () => {
      draw();
      desk.takePhone(phone);
    });
    draw();
    desk.takePhone(phone);
  }

  async function begin() {
    let given;
    try {
      given = await account();
    } catch (error) {
      why = error instanceof Told ? error.message : texts.get("unreachable");
      draw();
      setTimeout(begin, error instanceof Unreachable ? AGAIN_MS : LATER_MS);
      return;
    }
    colleagues = given.colleagues;
    at.colleagues.replaceChildren(...colleagues.map(({ extension, name }) => {
      const option = document.createElement("option");
      option.value = `${extension} ${name}`;
      return option;
    }));
    if (given.kind === "none") {
      why = given.message;
      take(new NoPhone("off"));
    } else if (given.kind === "sip") {
      take(new TablePhone(desk, ask));
    } else {
      const { PagePhone } = await import("./page_phone.js");
      take(new PagePhone(given));
      await phone.start();
      silent = !(await rings());
      draw();
    }
  }

  at.act.addEventListener("click", () => command(async () => {
    const { action } = at.act.dataset;
    if (action === "retry") phone.retry();
    else if (action === "microphone") await phone.start();
    else await phone.take(await account());
  }));
  document.addEventListener("pointerdown", () => { silent = false; });
  document.addEventListener("keydown", () => { silent = false; });
  for (const event of ["operator", "call", "line"]) desk.addEventListener(event, draw);
  setInterval(draw, 500);
  draw();
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  begin();
}
