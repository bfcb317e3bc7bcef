// The directory, on its page and on the desk: found from two letters on; from there a citizen is put through.
import { SignedOut, Told, html, post } from "../base/fetching.js";
import { callIsComing } from "../duties/expected.js";

const PAUSE_MS = 150;
const EVERY_MS = 15_000;

/** `root` is the directory's frame, or has it; `desk` is the desk page's state (desk_state.js), on its own page null. */
export function mount(root, desk = null) {
  const frame = root.matches("[data-directory]") ? root : root.querySelector("[data-directory]");
  new Directory(frame, desk).start();
}

class Directory {
  #root;
  #desk;
  #search;
  #loaded;
  #said;
  #asked = "";
  #shown = "";
  #timer;

  constructor(root, desk) {
    this.#root = root;
    this.#desk = desk;
    this.#search = root.querySelector("input[name=q]");
    this.#loaded = root.querySelector("[data-loaded]");
    this.#said = root.querySelector("[data-said]");
  }

  start() {
    this.#search.addEventListener("input", () => this.#soon(PAUSE_MS));
    this.#root.addEventListener("keydown", (event) => this.#key(event));
    this.#root.addEventListener("click", (event) => this.#click(event));
    this.#root.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("visibilitychange", () => document.hidden || this.#load());
    for (const what of ["phone", "call", "operator"]) this.#desk?.addEventListener(what, () => this.#allow());
    this.#desk?.addEventListener("call", () => this.#forwarded());
    this.#load();
  }

  #soon(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), ms);
  }

  async #load() {
    const question = this.#search.value.trim();
    const address = new URL(this.#root.dataset.directory, location.href);
    if (question) address.searchParams.set("q", question);
    this.#asked = address.href;
    try {
      if (!document.hidden) {
        const fresh = await html(address, { quiet: true });
        if (address.href !== this.#asked) return;
        this.#show(fresh);
        await this.#forwarded();
      }
    } catch (error) {
      this.#trouble(error);
    }
    this.#soon(EVERY_MS);
  }

  /** Whoever is being chosen stays chosen while states change. */
  #show(fresh) {
    const next = fresh.firstElementChild;
    if (this.#shown === next.outerHTML) return;
    this.#shown = next.outerHTML;
    const chosen = this.#chosen?.dataset.code;
    const at = [...(this.#chosen?.querySelectorAll("button") ?? [])].indexOf(document.activeElement);
    const focused = this.#chosen?.contains(document.activeElement);
    this.#loaded.replaceChildren(next);
    this.#allow();
    const row = chosen && this.#loaded.querySelector(`[data-code="${CSS.escape(chosen)}"]`);
    if (!row) return;
    this.#choose(row);
    if (focused) (row.querySelectorAll("button")[at] ?? row).focus({ preventScroll: true });
  }

  async #forwarded() {
    const { forwarded } = this.#root.dataset;
    if (!forwarded) return;
    const told = this.#root.querySelector("[data-told]");
    told.replaceChildren(await html(forwarded, { quiet: true }));
  }

  /** Nobody is put through while nobody is on the line. */
  #allow() {
    const talking = Boolean(this.#desk?.talking && this.#desk.phone?.forward);
    for (const button of this.#loaded.querySelectorAll("[data-forward]")) button.disabled = !talking;
  }

  get #chosen() {
    return this.#loaded.querySelector(".known[aria-current]");
  }

  #choose(row) {
    this.#chosen?.removeAttribute("aria-current");
    row?.setAttribute("aria-current", "true");
  }

  #key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const rows = [...this.#loaded.querySelectorAll(".known")];
    const searching = event.target === this.#search;
    if (searching && event.key === "Enter") {
      event.preventDefault();
      this.#first();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const at = searching ? -1 : rows.indexOf(event.target.closest(".known"));
      const next = rows[at + (event.key === "ArrowDown" ? 1 : -1)];
      this.#choose(next);
      (next ?? this.#search).focus();
    } else if (event.key === "Escape" && !searching) {
      this.#choose(null);
      this.#search.focus();
    } else if (!searching && "123".includes(event.key)) {
      const row = event.target.closest(".known");
      const wanted = { 1: "[data-forward]:not([data-attended])", 2: "[data-attended]", 3: "[data-call]" }[event.key];
      const button = row?.querySelector(wanted);
      if (!button || button.disabled) return;
      event.preventDefault();
      event.stopPropagation();
      button.click();
    }
  }

  /** Enter takes the first that was found, also when the list is still on its way. */
  async #first() {
    clearTimeout(this.#timer);
    await this.#load();
    const row = this.#loaded.querySelector(".known");
    this.#choose(row);
    row?.focus();
  }

  async #click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    this.#choose(button.closest(".known"));
    if (button.dataset.forward) await this.#forward(button);
    else if (button.dataset.call) await this.#call(button);
  }

  async #forward(button) {
    const attended = "attended" in button.dataset;
    const { asked, consulting, refused } = this.#said.dataset;
    try {
      await this.#desk.phone.forward(button.dataset.forward, { attended });
      this.#tell((attended ? consulting : asked).replace("{whom}", button.dataset.name));
    } catch {
      this.#tell(refused, true);
    }
  }

  async #call(button) {
    button.disabled = true;
    try {
      const made = await post(button.dataset.call, this.#desk?.about ? { appeal_id: this.#desk.about } : {});
      if (this.#desk) this.#desk.phone?.expect?.(made.call_id);
      else callIsComing(made.call_id);
      this.#tell(made.said);
    } catch (error) {
      this.#trouble(error);
    }
    button.disabled = false;
  }

  #trouble(error) {
    const { offline, signedOut } = this.#said.dataset;
    this.#tell(error instanceof Told ? error.message : error instanceof SignedOut ? signedOut : offline, true);
  }

  #tell(text, refused = false) {
    this.#said.textContent = text;
    this.#said.classList.toggle("refused", refused);
  }
}
