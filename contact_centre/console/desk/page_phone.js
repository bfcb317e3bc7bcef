/**
 * The telephone in the page, for the desk: the softphone, the microphone without which nobody is put through, and the
 * devices that the operator has chosen (remembered in this browser).
 */
import { choose, chosen, constraints } from "./audio.js";
import { Softphone } from "./softphone.js";

/** What is wrong with a microphone, by the name of getUserMedia's error. */
const WRONG = { NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "missing", OverconstrainedError: "missing" };

export class PagePhone extends EventTarget {
  kind = "browser";
  /** What is wrong with the microphone: asking, denied, missing, busy, or null. */
  microphone = null;
  #phone;
  #uri;

  constructor(credentials) {
    super();
    this.#uri = credentials.ws_uri;
    this.#phone = new Softphone(credentials, chosen());
    this.#phone.addEventListener("change", () => this.#heard());
    navigator.mediaDevices.addEventListener("devicechange", () => this.#plugged());
  }

  get state() {
    return this.#phone.state;
  }

  get talking() {
    return this.state.call?.phase === "talking";
  }

  /** Where it connects. */
  get uri() {
    return this.#uri;
  }

  /** Ask for the microphone, then register: an operator who cannot be heard gets no calls. */
  async start() {
    this.#wrong("asking");
    try {
      const stream = await navigator.mediaDevices.getUserMedia(constraints(chosen()));
      for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      this.#wrong(WRONG[error.name] ?? "busy");
      return;
    }
    this.microphone = null;
    if (["off", "refused", "elsewhere"].includes(this.state.line)) this.#phone.start();
    this.#tell();
  }

  /** Have the telephone on this page, with another account. */
  async take(credentials) {
    this.#phone.renew(credentials);
    await this.start();
  }

  /** Put the citizen through; `attended`: ask there first, then `completeForward` or `cancelForward`. */
  forward(extension, { attended = false } = {}) {
    if (attended) this.#phone.consult(extension);
    else this.#phone.transfer(extension);
  }

  completeForward() {
    this.#phone.completeTransfer();
  }

  cancelForward() {
    this.#phone.cancelConsult();
  }

  /** Use and remember other devices. */
  async use(devices) {
    choose(devices);
    await this.#phone.use(devices);
    if (this.microphone) await this.start();
  }

  /** A headset was plugged in or pulled out: what is there now is used, in a talk too. */
  async #plugged() {
    if (!this.state.call) {
      if (this.microphone) await this.start();
      return;
    }
    try {
      await this.#phone.use(chosen());
      this.#wrong(null);
    } catch (error) {
      this.#wrong(WRONG[error.name] ?? "busy");
    }
  }

  /** A microphone that failed when it was needed takes the telephone away until it is well again. */
  #heard() {
    const { microphoneError } = this.#phone;
    const wrong = this.microphone ?? (microphoneError && (WRONG[microphoneError] ?? "busy"));
    if (wrong && !this.state.call && this.state.line === "ready") {
      this.microphone = wrong;
      this.#phone.stop();
      return;
    }
    this.#tell();
  }

  #wrong(what) {
    this.microphone = what;
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  static {
    for (const name of ["stop", "retry", "answer", "hangUp", "hold", "unhold", "mute", "unmute", "press", "expect"]) {
      PagePhone.prototype[name] = function command(argument) {
        this.#phone[name](argument);
      };
    }
  }
}
