// What the strip of the operator's own state shows and offers.
import assert from "node:assert/strict";
import test from "node:test";

import { describe } from "../../../contact_centre/console/presence/presence_state.js";

const NOW = 100_000;
const AT = { now: NOW, limit: 45 };
const row = (state, more = {}) => ({ login: "olena", state, reason: null, since: 90_000, paused_at: null, call_id: null, ...more });
const of = (operator) => describe(operator, AT);

test("who is not in the queue is offered to sign in", () => {
  const { state, main, more, since } = of(null);
  assert.deepEqual([state, main, more, since], ["signed_out", "sign-in", false, null]);
});

test("who is free or in a call is offered a pause", () => {
  for (const state of ["free", "ringing", "talking"]) {
    const shown = of(row(state));
    assert.deepEqual([shown.state, shown.main, shown.since, shown.more], [state, "pause", 90_000, false]);
  }
});

test("a pause asked for in a talk is told of, and can be taken back", () => {
  const shown = of(row("talking", { reason: "lunch", paused_at: 95_000 }));
  assert.deepEqual([shown.state, shown.hint, shown.reason, shown.main], ["talking", "after", "lunch", "cancel"]);
});

test("the pause of a call out, and that of the wrap-up while the telephone is still in use, are nobody's wish", () => {
  for (const reason of ["outbound", "wrapup"]) {
    const shown = of(row("talking", { reason, paused_at: 95_000 }));
    assert.deepEqual([shown.state, shown.hint, shown.main], ["talking", null, "pause"]);
  }
});

test("a pause lasts since it began, whatever the telephone did since", () => {
  const shown = of(row("paused", { reason: "break", paused_at: 10_000 }));
  assert.deepEqual([shown.since, shown.main, shown.hint, shown.reason], [10_000, "ready", "paused", "break"]);
  assert.equal(of(row("offline", { reason: "break", paused_at: 10_000 })).main, "ready");
});

test("a wrap-up counts down to nothing and asks for its result, even if the telephone is off", () => {
  for (const state of ["wrap_up", "offline", "paused"]) {
    const shown = of(row(state, { reason: "wrapup", paused_at: 70_000 }));
    assert.deepEqual([shown.state, shown.left, shown.main], ["wrap_up", 15, "result"]);
  }
  assert.equal(of(row("wrap_up", { reason: "wrapup", paused_at: 99_000 })).left, 44);
  assert.equal(of(row("wrap_up", { reason: "wrapup", paused_at: 1_000 })).left, 0);
});

test("every state has a tone, and a telephone that is off is told apart", () => {
  const tones = ["free", "ringing", "talking", "paused", "offline"].map((state) => of(row(state)).tone);
  assert.deepEqual(tones, ["free", "due", "talking", "rest", "late"]);
  assert.equal(of(row("offline")).hint, "offline");
});
