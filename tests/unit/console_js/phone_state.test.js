// The page's telephone as a pure state machine: what it does when, and what it refuses.
import assert from "node:assert/strict";
import test from "node:test";

import { COMMAND_NAMES, INITIAL, LOST, NotNow, step } from "../../../contact_centre/console/desk/phone_state.js";

const FROM = { number: "0501234567", name: "Жанна Їжак" };
const OBSERVATIONS = [
  { type: "registered" },
  { type: "disconnected" },
  { type: "silence" },
  { type: "registrationFailed", status: 401 },
  { type: "registrationFailed", status: 503 },
  { type: "claimed" },
  { type: "incoming", id: "call-1", from: FROM },
  ...["call-1", "consult", "dialled"].flatMap((id) => [
    { type: "accepted", id },
    { type: "ended", id },
    { type: "ended", id, failed: true },
    { type: "media", id, is: "connected" },
    { type: "media", id, is: "disconnected" },
    { type: "media", id, is: "failed" },
    { type: "mediaTimeout", id },
  ]),
  { type: "transferred" },
  { type: "transferFailed" },
];
const COMMANDS = COMMAND_NAMES.map((type) => ({ type, target: "301", digits: "5" }));

/** Let these events happen one after the other; the last state and all effects. */
function after(...events) {
  return events.reduce(
    ([state, effects], event) => {
      const [next, more] = step(state, event);
      return [next, [...effects, ...more]];
    },
    [INITIAL, []],
  );
}

const doing = (effects) => effects.map((one) => one.do);
const READY = [{ type: "start" }, { type: "registered" }];
const RINGING = [...READY, { type: "incoming", id: "call-1", from: FROM }];
const TALKING = [...RINGING, { type: "answer" }, { type: "accepted", id: "call-1" }];
const CONSULTING = [...TALKING, { type: "consult", target: "301" }, { type: "accepted", id: "consult" }];

test("a call rings, is answered, and ends when the other side hangs up", () => {
  const [ringing, first] = after(...RINGING);
  assert.equal(ringing.call.phase, "ringing");
  assert.deepEqual(doing(first), ["claim", "connect", "ring"]);
  const [talking] = after(...TALKING);
  assert.deepEqual([talking.call.phase, talking.call.from], ["talking", FROM]);
  const [over] = after(...TALKING, { type: "ended", id: "call-1" });
  assert.deepEqual([over.call, over.last.why, over.line], [null, "other-side", "ready"]);
});

test("who hangs up, declines or misses is told apart", () => {
  const why = (...events) => after(...events)[0].last.why;
  assert.equal(why(...TALKING, { type: "hangUp" }, { type: "ended", id: "call-1" }), "hung-up");
  assert.equal(why(...RINGING, { type: "hangUp" }, { type: "ended", id: "call-1", failed: true }), "declined");
  assert.equal(why(...RINGING, { type: "ended", id: "call-1", failed: true }), "missed");
  assert.equal(why(...RINGING, { type: "answer" }, { type: "ended", id: "call-1", failed: true }), "failed");
});

test("an operator's hang-up is plain, a page that goes gives its citizen back", () => {
  const [, hungUp] = after(...TALKING, { type: "hangUp" });
  assert.deepEqual(hungUp.at(-1), { do: "hangUp", id: "call-1" });
  const [state, closed] = after(...TALKING, { type: "stop", closing: true });
  assert.deepEqual(closed.slice(-2), [{ do: "hangUp", id: "call-1", ...LOST }, { do: "drop" }]);
  assert.deepEqual([state.line, state.call, state.last.why], ["off", null, "phone-stopped"]);
});

test("a second call is told that the line is busy", () => {
  const [state, effects] = after(...TALKING, { type: "incoming", id: "call-2", from: FROM });
  assert.deepEqual([state.call.id, effects.at(-1)], ["call-1", { do: "busy", id: "call-2" }]);
});

test("a blind transfer ends the talk when it was taken, and gives it back when it was not", () => {
  const asked = [...TALKING, { type: "transfer", target: "301" }];
  assert.deepEqual(after(...asked)[1].at(-1), { do: "refer", id: "call-1", target: "301" });
  const [done] = after(...asked, { type: "transferred" }, { type: "ended", id: "call-1" });
  assert.deepEqual([done.call, done.transfer, done.last.why], [null, null, "transferred"]);
  const [failed] = after(...asked, { type: "transferFailed" });
  assert.deepEqual([failed.call.phase, failed.transfer, failed.last.why], ["talking", null, "transfer-failed"]);
});

test("an attended transfer holds the citizen, asks, and ends both talks", () => {
  const [asking, effects] = after(...CONSULTING);
  assert.deepEqual(doing(effects).slice(-2), ["hold", "dial"]);
  assert.deepEqual([asking.call.held, asking.consult.phase], [true, "talking"]);
  const [done, more] = after(...CONSULTING, { type: "completeTransfer" }, { type: "transferred" },
    { type: "ended", id: "call-1" }, { type: "ended", id: "consult" });
  assert.ok(doing(more).includes("referReplaces"));
  assert.deepEqual([done.call, done.consult, done.last.why], [null, null, "transferred"]);
});

test("back to the citizen takes them off hold once the colleague is gone; a colleague who goes leaves them there", () => {
  const [back, effects] = after(...CONSULTING, { type: "cancelConsult" }, { type: "ended", id: "consult" });
  assert.deepEqual([back.call.held, back.consult, back.call.phase], [false, null, "talking"]);
  assert.deepEqual(effects.slice(-2), [{ do: "hangUp", id: "consult" }, { do: "unhold", id: "call-1" }]);
  const [left, others] = after(...CONSULTING, { type: "ended", id: "consult" });
  assert.deepEqual([left.call.held, left.consult], [true, null]);
  assert.ok(!doing(others).includes("unhold"));
});

test("a call that the operator has asked for is answered by itself, before or after it begins to ring; no other is", () => {
  const expect = { type: "expect", callId: "cc1-out-7" };
  const rings = (callId) => ({ type: "incoming", id: "call-1", from: FROM, callId });
  const answered = ({ call }, effects) => [call.phase, doing(effects).at(-1)];
  assert.deepEqual(answered(...after(...READY, expect, rings("cc1-out-7"))), ["answering", "answer"]);
  assert.deepEqual(answered(...after(...READY, rings("cc1-out-7"), expect)), ["answering", "answer"]);
  assert.deepEqual(answered(...after(...READY, expect, rings("cc1-1.5"))), ["ringing", "ring"]);
  assert.deepEqual(answered(...after(...READY, expect, rings(undefined))), ["ringing", "ring"]);
  assert.equal(after(...READY, expect, rings("cc1-out-7"))[0].expected, null);
  assert.throws(() => step(INITIAL, { type: "expect" }), NotNow);
});

test("it is known whether Asterisk ever answered, and an attempt to reach it can be made at once", () => {
  assert.equal(after({ type: "start" })[0].reached, false);
  assert.equal(after(...READY, { type: "disconnected" }, { type: "stop" })[0].reached, true);
  assert.deepEqual(after({ type: "start" }, { type: "retry" })[1].at(-1), { do: "reconnect" });
  assert.throws(() => step(after(...READY)[0], { type: "retry" }), NotNow);
});

test("a citizen who hangs up during the question ends the question", () => {
  const [state, effects] = after(...CONSULTING, { type: "ended", id: "call-1" });
  assert.deepEqual([state.call, state.consult.phase], [null, "ending"]);
  assert.deepEqual(effects.at(-1), { do: "hangUp", id: "consult" });
});

test("a lost connection is no end of the talk, and is registered again", () => {
  const [lost] = after(...TALKING, { type: "disconnected" });
  assert.deepEqual([lost.line, lost.call.phase], ["connecting", "talking"]);
  const [back] = after(...TALKING, { type: "disconnected" }, { type: "registered" });
  assert.equal(back.line, "ready");
});

test("silence on a connection that seems open makes a new one", () => {
  assert.deepEqual(after(...READY, { type: "silence" })[1].at(-1), { do: "reconnect" });
  assert.deepEqual(after({ type: "start" }, { type: "silence" })[1].at(-1), { do: "connect" });
});

test("registering is tried again ever more seldom, and at once from the beginning after a success", () => {
  const failure = { type: "registrationFailed", status: 503 };
  const waits = (events) => after(...events)[1].filter((one) => one.do === "registerIn").map((one) => one.seconds);
  assert.deepEqual(waits([...READY, ...Array(7).fill(failure)]), [1, 2, 4, 8, 16, 30, 30]);
  assert.deepEqual(waits([...READY, failure, failure, { type: "registered" }, failure]), [1, 2, 1]);
});

test("an account at its end is not tried again, and a talk with it goes on", () => {
  const refused = { type: "registrationFailed", status: 401 };
  const [idle, effects] = after(...READY, refused);
  assert.deepEqual([idle.line, effects.at(-1)], ["refused", { do: "leave" }]);
  const [talking, more] = after(...TALKING, refused);
  assert.deepEqual([talking.line, talking.call.phase], ["refused", "talking"]);
  assert.ok(!doing(more).includes("leave"));
});

test("the older of two pages gives up at once, or after its talk", () => {
  assert.equal(after(...READY, { type: "claimed" })[0].line, "elsewhere");
  const [talking] = after(...TALKING, { type: "claimed" });
  assert.deepEqual([talking.line, talking.call.phase, talking.yields], ["ready", "talking", true]);
  const [over, effects] = after(...TALKING, { type: "claimed" }, { type: "ended", id: "call-1" });
  assert.deepEqual([over.line, effects.at(-1)], ["elsewhere", { do: "leave" }]);
  const busy = after(...TALKING, { type: "claimed" }, { type: "incoming", id: "call-2", from: FROM });
  assert.deepEqual(busy[1].at(-1), { do: "busy", id: "call-2" });
});

test("sound that does not come back gives the citizen back; sound that does, does not", () => {
  const cut = [...TALKING, { type: "media", id: "call-1", is: "disconnected" }];
  assert.equal(after(...cut)[1].at(-1).do, "watchMedia");
  const [lost, effects] = after(...cut, { type: "mediaTimeout", id: "call-1" });
  assert.deepEqual([lost.call.phase, effects.at(-1)], ["ending", { do: "hangUp", id: "call-1", ...LOST }]);
  const [fine] = after(...cut, { type: "media", id: "call-1", is: "connected" }, { type: "mediaTimeout", id: "call-1" });
  assert.equal(fine.call.phase, "talking");
  assert.equal(after(...cut, { type: "mediaTimeout", id: "call-1" }, { type: "ended", id: "call-1" })[0].last.why, "media-lost");
});

test("only keys that a telephone has, and only short numbers of colleagues, are taken", () => {
  const [talking] = after(...TALKING);
  for (const digits of ["", "5a", "x", "1".repeat(33), undefined]) {
    assert.throws(() => step(talking, { type: "press", digits }), NotNow);
  }
  for (const target of ["12", "301@evil", "sip:301", "123456", "*11", undefined]) {
    assert.throws(() => step(talking, { type: "transfer", target }), NotNow);
    assert.throws(() => step(talking, { type: "consult", target }), NotNow);
  }
});

test("what is seen is never refused, what is asked at the wrong time changes nothing, and nothing hangs on", () => {
  const seen = new Map([[JSON.stringify(INITIAL), INITIAL]]);
  const waiting = [INITIAL];
  while (waiting.length > 0) {
    const state = Object.freeze(waiting.pop());
    for (const event of [...OBSERVATIONS, ...COMMANDS]) {
      let next;
      try {
        [next] = step(state, event);
      } catch (error) {
        assert.ok(error instanceof NotNow && COMMAND_NAMES.includes(event.type), `${event.type}: ${error}`);
        continue;
      }
      next = { ...next, attempt: 0, last: null }; // neither decides what comes next
      const key = JSON.stringify(next);
      if (!seen.has(key)) {
        seen.set(key, next);
        waiting.push(next);
      }
    }
  }
  assert.ok(seen.size > 300, `${seen.size} states`);
  for (const state of seen.values()) {
    const [stopped, effects] = step(state, { type: "stop", closing: true });
    assert.deepEqual([stopped.line, stopped.call, stopped.consult], ["off", null, null]);
    assert.equal(effects.at(-1).do, "drop");
    if (state.transfer) assert.ok(state.call, "a transfer of nobody");
    if (state.line === "off") assert.equal(state.yields, false);
  }
});

test("an event that does not exist is a mistake of ours", () => {
  assert.throws(() => step(INITIAL, { type: "toString" }), TypeError);
});
