// When what is typed goes to the service: a moment after the last key, at the latest some seconds after the first, one
// request at a time. Pure but for the clock that it is given.

export const PAUSE_MS = 900;
export const LATEST_MS = 4000;
export const AGAIN_MS = 5000;

/**
 * What `load()` brings, to stand in the place of what is being written: handed over only when nothing there is unkept,
 * what was typed while it loaded included. Null when it does not come, or is not `wanted()` any more.
 */
export async function inItsPlace(keeping, load, wanted, wait) {
  const next = await load();
  while (next && keeping?.pending && wanted()) if (!(await keeping.flush())) await wait(AGAIN_MS);
  return wanted() ? next : null;
}

export class Keeping {
  #send;
  #later;
  #never;
  #timer = null;
  #first = null;
  #running = null;
  #now;

  /** `send()` resolves to whether it was kept; `later(act, ms)` and `never(timer)` are setTimeout and clearTimeout. */
  constructor(send, { now = () => Date.now(), later = (act, ms) => setTimeout(act, ms), never = (one) => clearTimeout(one) } = {}) {
    this.#send = send;
    this.#now = now;
    this.#later = later;
    this.#never = never;
  }

  /** Something was typed. */
  touched() {
    const now = this.#now();
    this.#first ??= now;
    this.#never(this.#timer);
    this.#timer = this.#later(() => this.flush(), Math.min(PAUSE_MS, Math.max(0, this.#first + LATEST_MS - now)));
  }

  /** Whether something typed has not been sent yet. */
  get pending() {
    return this.#first !== null || this.#running !== null;
  }

  /** Send now what there is; resolves when everything typed so far is kept, or could not be. */
  async flush() {
    this.#never(this.#timer);
    while (this.#running) await this.#running;
    if (this.#first === null) return true;
    this.#first = null;
    this.#running = this.#send();
    let kept = false;
    try {
      kept = await this.#running;
    } finally {
      this.#running = null;
    }
    if (!kept) {
      this.#first ??= this.#now();
      this.#never(this.#timer);
      this.#timer = this.#later(() => this.flush(), AGAIN_MS);
    }
    return kept;
  }

  /** The form is gone. */
  stop() {
    this.#never(this.#timer);
    this.#first = null;
  }
}
