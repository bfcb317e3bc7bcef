// The player of a recording: both sides on one axis under the legs, flags where somebody marked a place. Sound is asked
// for only when somebody presses play; each listening is written down by the service, once.
import WaveSurfer from "../vendor/wavesurfer.js";
import { clock as clockOf } from "../base/clock.js";
import { Told, json, post } from "../base/fetching.js";
import { followPlayerKeys } from "./player_keys.js";

const ASK_AGAIN_MS = 1000;
const LOUDEST = 100;
const STEP_S = 5;

const clock = (seconds) => clockOf(seconds * 1000);

const filled = (form, values) => form.replace(/{(\w+)}/g, (_, name) => values[name]);

export class Player {
  #root;
  #media = new Audio();
  #wave = null;
  #listening = null; // a promise of the address, once play was pressed
  #duration;

  constructor(root) {
    this.#root = root;
    this.#duration = Number(root.dataset.duration);
    this.#media.preload = "none";
    for (const button of root.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this[button.dataset.do]());
    }
    for (const button of root.querySelectorAll("[data-speed]")) {
      button.addEventListener("click", () => this.speed(Number(button.dataset.speed)));
    }
    const seek = root.querySelector("[data-seek]");
    seek.addEventListener("input", () => this.to(Number(seek.value)));
    for (const event of ["play", "pause", "ended"]) this.#media.addEventListener(event, () => this.#show());
    for (const event of ["timeupdate", "seeking"]) this.#media.addEventListener(event, () => this.#show());
    this.#media.addEventListener("error", () => this.#media.getAttribute("src") && this.#tell(root.dataset.broken));
    followPlayerKeys(root, this);
    this.#outline();
  }

  /** Seconds from the beginning. */
  get at() {
    return this.#wave?.getCurrentTime() ?? this.#media.currentTime;
  }

  get playing() {
    return !this.#media.paused;
  }

  get wave() {
    return this.#wave;
  }

  async play() {
    if (this.playing) return this.#media.pause();
    this.#tell("");
    try {
      await this.#sound();
      await this.#media.play();
    } catch (error) {
      this.#listening = this.#media.getAttribute("src") ? this.#listening : null;
      if (error.name !== "AbortError") this.#tell(error instanceof Told ? error.message : this.#root.dataset.lost);
    }
  }

  back() {
    this.to(this.at - STEP_S);
  }

  on() {
    this.to(this.at + STEP_S);
  }

  to(second) {
    const place = Math.min(Math.max(0, second), this.#duration);
    if (this.#wave) this.#wave.setTime(place); // which waits with it until there is sound
    else this.#media.currentTime = place;
    this.#show();
  }

  speed(rate) {
    this.#media.defaultPlaybackRate = this.#media.playbackRate = rate;
    for (const button of this.#root.querySelectorAll("[data-speed]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === rate));
    }
  }

  #sound() {
    this.#listening ??= post(this.#root.dataset.listen, { second: this.at.toFixed(1) }).then(({ address }) => {
      const [second, rate] = [this.at, this.#media.playbackRate];
      this.#media.src = address;
      this.to(second);
      this.#media.playbackRate = rate;
    });
    return this.#listening;
  }

  async #outline() {
    try {
      for (;;) {
        const told = await json(this.#root.dataset.outline, { quiet: true });
        if (!told.making) return this.#picture(told);
        this.#tell(this.#root.dataset.making);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
      }
    } catch (error) {
      this.#tell(error instanceof Told ? error.message : this.#root.dataset.lost);
    }
  }

  #picture({ duration, sides }) {
    this.#tell("");
    this.#duration = duration;
    this.#draw(sides.map(({ peaks }) => peaks.map((peak) => peak / LOUDEST)));
    sides.forEach((side, number) => this.#heard(side, number, duration));
    this.#root.querySelector("[data-silences]").hidden = false;
    this.#root.dataset.ready = "";
  }

  #heard({ heard, silences }, number, duration) {
    this.#root.querySelector(`[data-heard="${number}"]`).textContent = clock(heard);
    const place = this.#root.querySelector(`[data-side="${number}"]`);
    const [speech, list] = ["[data-speech]", "[data-list]"].map((name) => place.querySelector(name));
    speech.textContent = filled(speech.dataset.form, { heard: clock(heard), all: clock(duration) });
    list.replaceChildren(...(silences.length ? [`· ${list.dataset.form} `] : []), ...silences.map(([start, end]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${clock(start)}–${clock(end)}`;
      button.addEventListener("click", () => this.to(start));
      return button;
    }));
  }

  #draw(peaks) {
    const place = this.#root.querySelector("[data-wave]");
    const { color, caretColor, textDecorationColor } = getComputedStyle(place); // resolved for the theme
    this.#wave = WaveSurfer.create({
      container: place,
      media: this.#media,
      peaks,
      duration: this.#duration,
      height: 80,
      splitChannels: [{}, {}],
      waveColor: color,
      progressColor: textDecorationColor,
      cursorColor: caretColor,
      cursorWidth: 2,
      barWidth: 2,
      barGap: 1,
      normalize: true,
      cspNonce: this.#root.dataset.nonce,
      dragToSeek: true,
    });
    this.#wave.on("interaction", () => this.#show());
  }

  #show() {
    const [at, word] = [this.at, this.playing ? "pause" : "play"];
    this.#root.querySelector("[data-at]").textContent = clock(at);
    this.#root.querySelector("[data-playing]").textContent = this.#root.dataset[word];
    const seek = this.#root.querySelector("[data-seek]");
    if (document.activeElement !== seek || this.playing) seek.value = at;
    seek.setAttribute("aria-valuetext", clock(at));
  }

  #tell(text) {
    const told = this.#root.querySelector("[data-told]");
    told.textContent = text;
    told.hidden = !text;
  }
}

/** The players of a page; each shows the picture of its recording at once. */
export const mount = (root) => [...root.querySelectorAll("[data-player]:not([data-mounted])")]
  .filter((section) => section.querySelector("[data-wave]"))
  .map((section) => {
    section.dataset.mounted = "";
    return new Player(section);
  });
