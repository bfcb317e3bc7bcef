// What several parts of the desk do alike.
import { Told, html } from "../base/fetching.js";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8000;

const texts = new Map([...document.querySelectorAll("#texts li")].map((item) => [item.dataset.key, item.textContent]));

/** A text of the page in its language, with its parameters put in. */
export function text(key, parameters = {}) {
  return Object.entries(parameters).reduce((told, [name, value]) => told.replace(`%(${name})s`, value), texts.get(key));
}

/** Every part of a fragment goes to the section that it names; what is there already is replaced. */
export function place(fragment) {
  for (const part of [...fragment.querySelectorAll("[data-into]")]) {
    const section = document.getElementById(part.dataset.into);
    if (!section) continue;
    const content = part.matches("form, .done") ? [part] : [...part.childNodes];
    section.replaceChildren(...content);
    Object.assign(section.dataset, { ...part.dataset });
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A fragment, asked for again and again while it is `wanted()` and the service does not answer; null if it never came. */
export async function fetched(address, wanted) {
  for (let wait = FIRST_RETRY_MS; wanted(); wait = Math.min(LAST_RETRY_MS, wait * 2)) {
    try {
      const fragment = await html(address, { quiet: true });
      return wanted() ? fragment : null;
    } catch (error) {
      if (error instanceof Told) return null;
    }
    await pause(wait);
  }
  return null;
}

/** Sets a text without touching the page when it is the same. */
export function write(element, told) {
  if (element && element.textContent !== told) element.textContent = told;
}
