// What scripts of a page ask the service for. A session that has ended is taken up again on this very page.
import { csrf, sessionLives } from "./guard.js";

const PATIENCE_MS = 15_000;

/** The service refused; the message is for the person, in the page's language. */
export class Told extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** The service does not answer, or with a fault of its own, or the network is gone. */
export class Unreachable extends Error {}

/** The session has ended, and nobody was asked for the password (``quiet``), or they did not give it. */
export class SignedOut extends Error {}

async function ask(address, options, quiet) {
  for (let first = true; ; first = false) {
    const answer = await fetch(address, {
      ...options,
      cache: "no-store",
      headers: { "X-CSRF-Token": csrf() },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch((error) => { throw new Unreachable(error.message); });
    if (answer.ok && !answer.redirected) return answer;
    // 403 may be the token of a session that was begun in another tab meanwhile.
    const ended = answer.status === 401 || answer.redirected;
    if (first && (ended || answer.status === 403)) {
      const lives = await sessionLives(quiet).catch((error) => { throw new Unreachable(error.message); });
      if (lives) continue;
      throw new SignedOut();
    }
    if (answer.status >= 500) throw new Unreachable(String(answer.status));
    const told = await answer.json().catch(() => null);
    throw new Told(told?.message ?? String(answer.status), answer.status);
  }
}

/** A fragment of a page, as nodes. */
export async function html(address, { quiet = false } = {}) {
  const text = await (await ask(address, {}, quiet)).text();
  const template = document.createElement("template");
  template.innerHTML = text;
  return template.content;
}

export async function json(address, { quiet = false } = {}) {
  return (await ask(address, {}, quiet)).json();
}

/** Carries an action out; `fields` is an object or a FormData. */
export async function post(address, fields = {}, { quiet = false } = {}) {
  const body = new URLSearchParams(fields instanceof FormData ? [...fields] : Object.entries(fields));
  body.delete("csrf");
  return (await ask(address, { method: "POST", body }, quiet)).json();
}
