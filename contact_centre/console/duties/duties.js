// The worklist, on its page and on the desk: one list that changes by itself, and work that needs no mouse.
import { SignedOut, Told, html, post } from "../base/fetching.js";
import { merge } from "./merging.js";
import { expectCalls, callIsComing } from "./expected.js";

const EVERY_MS = 15_000;
const SOON_MS = 1_500;
const TYPED = "input, textarea, select";

/** `root` is the worklist's frame, or has it; `desk` is the desk page's state (desk_state.js), on its own page null. */
export function mount(root, desk = null) {
  const frame = root.matches("[data-worklist]") ? root : root.querySelector("[data-worklist]");
  new Worklist(frame, desk).start();
}

class Worklist {
  #root;
  #desk;
  #loaded;
  #said;
  #address;
  #timer;
  #asked = 0;
  #stale = false;

  constructor(root, desk) {
    this.#root = root;
    this.#desk = desk;
    this.#loaded = root.querySelector("[data-loaded]");
    this.#said = root.querySelector("[data-said]");
    this.#address = root.dataset.worklist;
  }

  start() {
    this.#root.addEventListener("click", (event) => this.#click(event));
    this.#root.addEventListener("submit", (event) => this.#submit(event));
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    this.#desk?.addEventListener("call", () => this.refresh());
    if (this.#desk) expectCalls((callId) => this.#desk.phone?.expect?.(callId));
    this.refresh();
  }

  /** Loads the list anew; what is open stays open, what is typed stays typed. */
  async refresh() {
    clearTimeout(this.#timer);
    const asked = ++this.#asked; // an answer that a later question has overtaken is of yesterday
    try {
      if (!document.hidden) {
        const fresh = await html(this.#address, { quiet: true });
        if (asked !== this.#asked) return;
        merge(this.#loaded, fresh);
        this.#mark();
        if (this.#stale) this.#tell("");
        this.#stale = false;
      }
    } catch (error) {
      if (asked !== this.#asked) return;
      this.#stale = true;
      this.#trouble(error);
    }
    const waits = this.#loaded.querySelector("[data-waits]") !== null;
    this.#timer = setTimeout(() => this.refresh(), waits ? SOON_MS : EVERY_MS);
  }

  /** Who is on the line now may be owed something: their entry says so, and takes the answer for this very call. */
  #mark() {
    const call = this.#desk?.call;
    const digits = (text) => (text ?? "").replace(/\D/g, "");
    for (const entry of this.#loaded.querySelectorAll("li[data-number]")) {
      const here = Boolean(call?.number) && digits(call.number).endsWith(digits(entry.dataset.number).slice(-9));
      entry.classList.toggle("on-the-line", here);
      const form = entry.querySelector("form[data-about]");
      if (here && form && (!form.dataset.about || "here" in form.dataset)) {
        form.dataset.about = call.call_id;
        form.dataset.here = ""; // not from the service: the next call of this person takes its place
        form.hidden = false;
      }
    }
  }

  #click(event) {
    const chip = event.target.closest("a[data-list]");
    if (chip && !event.ctrlKey && !event.metaKey && event.button === 0) {
      event.preventDefault();
      this.#address = chip.dataset.list;
      if (!this.#desk) history.replaceState(null, "", chip.href);
      this.refresh();
      return;
    }
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.call) this.#call(button);
    else if (button.dataset.post) this.#post(button.dataset.post);
    else if ("jump" in button.dataset) queueMicrotask(() => this.#jump()); // after keys.js has focused the button
  }

  #submit(event) {
    const form = event.target;
    const fields = new FormData(form, event.submitter);
    const address = form.dataset.answer ?? form.dataset.excuse;
    if (!address) return;
    event.preventDefault();
    if (form.dataset.about) fields.set("call_id", form.dataset.about);
    this.#post(address, fields, form);
  }

  async #call(button) {
    button.closest("details").querySelector("summary").focus(); // from there one key says what came of it
    button.disabled = true;
    const made = await this.#post(button.dataset.call);
    if (made) {
      if (this.#desk) this.#desk.phone?.expect?.(made.call_id);
      else callIsComing(made.call_id);
    } else {
      button.disabled = false;
    }
  }

  async #post(address, fields = {}, form = null) {
    this.#tell("");
    try {
      const told = await post(address, fields);
      form?.reset();
      this.#tell(told.said);
      await this.refresh();
      return told;
    } catch (error) {
      this.#trouble(error);
      return null;
    }
  }

  #trouble(error) {
    const { offline, signedOut } = this.#said.dataset;
    this.#tell(error instanceof Told ? error.message : error instanceof SignedOut ? signedOut : offline, true);
  }

  #tell(text, refused = false) {
    this.#said.textContent = text;
    this.#said.classList.toggle("refused", refused);
  }

  // ---- the keyboard

  #jump() {
    const entries = [...this.#loaded.querySelectorAll("details.duty")];
    const wanted = entries.find((one) => one.closest(".on-the-line") || one.closest("[data-waits]"))
      ?? entries.find((one) => one.open) ?? entries[0];
    wanted?.querySelector("summary").focus();
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const entry = event.target.closest("details.duty");
    if (!entry) return;
    const summary = entry.querySelector("summary");
    if (event.target === summary) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") return this.#step(event, entry);
      if (event.key === "Enter") return this.#open(event, entry);
    }
    if (event.key === "Escape" && entry.open) {
      entry.open = false;
      summary.focus();
      event.stopPropagation();
    } else if (entry.open && !event.target.closest(TYPED)) {
      const button = entry.querySelector(`[data-press="${CSS.escape(event.key)}"]`);
      if (!button?.checkVisibility() || button.disabled) return;
      event.preventDefault();
      event.stopPropagation();
      button.click();
    }
  }

  #step(event, entry) {
    event.preventDefault();
    const all = [...this.#loaded.querySelectorAll("details.duty > summary")];
    const at = all.indexOf(entry.querySelector("summary"));
    all[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  }

  #open(event, entry) {
    event.preventDefault();
    entry.open = true;
    const first = entry.querySelector(".duty-doing button:not(:disabled), .duty-doing a, .duty-matter a");
    first?.focus();
  }
}
