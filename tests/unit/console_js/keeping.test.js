// When what is typed goes to the service.
import assert from "node:assert/strict";
import test from "node:test";

import { AGAIN_MS, Keeping, LATEST_MS, PAUSE_MS, inItsPlace } from "../../../contact_centre/console/desk/keeping.js";

class Clock {
  at = 0;
  #due = [];

  now = () => this.at;
  later = (act, ms) => {
    const timer = { act, at: this.at + ms };
    this.#due.push(timer);
    return timer;
  };
  never = (timer) => {
    this.#due = this.#due.filter((one) => one !== timer);
  };

  async pass(ms) {
    const until = this.at + ms;
    for (;;) {
      const next = this.#due.filter((one) => one.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.never(next);
      this.at = next.at;
      await next.act();
    }
    this.at = until;
  }
}

function kept(answers = []) {
  const clock = new Clock();
  const sent = [];
  const keeping = new Keeping(async () => {
    sent.push(clock.at);
    return answers.shift() ?? true;
  }, clock);
  return { clock, sent, keeping };
}

test("what is typed is sent a moment after the last key", async () => {
  const { clock, sent, keeping } = kept();
  keeping.touched();
  await clock.pass(PAUSE_MS - 100);
  keeping.touched();
  await clock.pass(PAUSE_MS - 1);
  assert.deepEqual(sent, []);
  assert.ok(keeping.pending);
  await clock.pass(1);
  assert.deepEqual(sent, [2 * PAUSE_MS - 100]);
  assert.ok(!keeping.pending);
});

test("who never pauses is kept every few seconds", async () => {
  const { clock, sent, keeping } = kept();
  for (let at = 0; at < 3 * LATEST_MS; at += 200) {
    keeping.touched();
    await clock.pass(200);
  }
  assert.ok(sent.length >= 2 && sent.length <= 4, String(sent));
});

test("what could not be kept is tried again until it is", async () => {
  const { clock, sent, keeping } = kept([false, false, true]);
  keeping.touched();
  await clock.pass(PAUSE_MS);
  assert.ok(keeping.pending);
  await clock.pass(2 * AGAIN_MS);
  assert.equal(sent.length, 3);
  assert.ok(!keeping.pending);
});

test("one request at a time, and what was typed meanwhile goes with the next", async () => {
  const clock = new Clock();
  const waiting = [];
  let most = 0;
  let now = 0;
  const keeping = new Keeping(() => new Promise((resolve) => {
    most = Math.max(most, ++now);
    waiting.push(() => { now -= 1; resolve(true); });
  }), clock);
  keeping.touched();
  const first = keeping.flush();
  keeping.touched();
  const second = keeping.flush();
  await Promise.resolve();
  waiting.shift()();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  waiting.shift()();
  await second;
  assert.equal(most, 1);
  assert.ok(!keeping.pending);
});

test("a form that is gone sends nothing more", async () => {
  const { clock, sent, keeping } = kept();
  keeping.touched();
  keeping.stop();
  await clock.pass(10 * LATEST_MS);
  assert.deepEqual(sent, []);
});

test("what is typed while the next form is on its way is kept before that takes its place", async () => {
  const { sent, keeping } = kept();
  const load = async () => {
    keeping.touched();
    return "next";
  };
  assert.equal(await inItsPlace(keeping, load, () => true), "next");
  assert.equal(sent.length, 1);
  assert.ok(!keeping.pending);
});

test("a form waits until what was typed in the last is kept, and comes no more when another is wanted", async () => {
  const { sent, keeping } = kept([false, true, false]);
  const waits = [];
  const wait = async (ms) => waits.push(ms);
  keeping.touched();
  assert.equal(await inItsPlace(keeping, async () => "next", () => true, wait), "next");
  assert.deepEqual([sent.length, waits], [2, [AGAIN_MS]]);
  keeping.touched();
  assert.equal(await inItsPlace(keeping, async () => "next", () => sent.length < 3, wait), null);
  assert.ok(keeping.pending);
});
