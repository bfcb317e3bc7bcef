/** Microphone, loudspeaker, ringing: chosen and tried out. */
import { Ringer, chosen, devices, testMicrophone } from "./audio.js";

const LOOK_MS = 80;
const ONCE_MS = 1200;

export class DevicePanel {
  #fields;
  #meter;
  #texts;
  #use;
  #test = null;
  #looking = null;
  #problem;

  /** `use(devices)` is told each choice. */
  constructor(root, meter, texts, use) {
    this.#fields = Object.fromEntries([...root.querySelectorAll("[name]")].map((one) => [one.name, one]));
    this.#meter = meter;
    this.#texts = texts;
    this.#use = use;
    this.#problem = root.querySelector(".error");
    for (const field of Object.values(this.#fields)) field.addEventListener("change", () => this.#choose());
    root.querySelector("#phone-ring").addEventListener("click", () => this.#ring());
    navigator.mediaDevices.addEventListener("devicechange", () => this.#looking && this.open());
  }

  async open() {
    this.close();
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    await this.#show();
    await this.#listen(); // once the microphone was allowed, devices have names
    await this.#show();
  }

  async #show() {
    const { microphones, speakers } = await devices();
    const { microphone, speaker, ringer, processing } = chosen();
    this.#fill(this.#fields.microphone, microphones, microphone ?? "");
    this.#fill(this.#fields.speaker, speakers, speaker);
    this.#fill(this.#fields.ringer, speakers, ringer);
    this.#fields.processing.checked = processing;
  }

  close() {
    clearInterval(this.#looking);
    this.#looking = null;
    this.#test?.stop();
    this.#test = null;
    this.#meter.value = 0;
  }

  #look() {
    if (this.#test) this.#meter.value = this.#test.level();
  }

  async #listen() {
    try {
      const test = await testMicrophone(chosen());
      if (this.#looking) this.#test = test;
      else await test.stop();
      this.#problem.hidden = true;
    } catch (error) {
      const wrong = { NotAllowedError: "microphone_denied", NotFoundError: "microphone_missing" };
      this.#problem.textContent = this.#texts.get(wrong[error.name] ?? "microphone_busy");
      this.#problem.hidden = false;
    }
  }

  /** A device that was chosen and is not there now stays chosen; meanwhile the system's own is used. */
  #fill(select, found, choice) {
    const rows = found.filter((one) => one.id !== "" && one.id !== "default");
    const options = [["", this.#texts.get("default")]];
    rows.forEach(({ id, label }, index) => {
      options.push([id, label || this.#texts.get("unnamed").replace("{number}", String(index + 1))]);
    });
    select.replaceChildren(...options.map(([value, name]) => new Option(name, value)));
    select.value = choice;
    if (select.selectedIndex < 0) select.value = "";
  }

  async #choose() {
    const { microphone, speaker, ringer, processing } = this.#fields;
    await this.#use({
      microphone: microphone.value || null,
      speaker: speaker.value,
      ringer: ringer.value,
      processing: processing.checked,
    });
    this.#test?.stop();
    this.#test = null;
    await this.#listen();
  }

  #ring() {
    const ringer = new Ringer();
    ringer.use(this.#fields.ringer.value);
    ringer.ring();
    setTimeout(() => ringer.quiet(), ONCE_MS);
  }
}
