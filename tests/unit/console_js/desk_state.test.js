// What the parts of the desk are told of.
import assert from "node:assert/strict";
import test from "node:test";

import { Desk } from "../../../contact_centre/console/desk/desk_state.js";

const OPERATOR = { login: "olena", state: "free", reason: null, since: 1000, call_id: null };
const CALL = { call_id: "c1", line: "15-80", number: "+380 50 111 22 33", name: null, since: 2000, stage: "waiting", parties: [] };

function heard(desk) {
  const told = [];
  for (const what of ["operator", "call", "appeal", "board", "line", "phone"]) {
    desk.addEventListener(what, () => told.push(what));
  }
  return told;
}

test("each part is told of what has changed, and of nothing else", () => {
  const desk = new Desk();
  const told = heard(desk);
  desk.takeOwn({ operator: OPERATOR, call: null, call_id: null, appeal_id: null });
  desk.takeOwn({ operator: { ...OPERATOR }, call: null, call_id: null, appeal_id: null });
  desk.takeOwn({ operator: { ...OPERATOR, state: "ringing", call_id: "c1" }, call: CALL, call_id: "c1", appeal_id: null });
  desk.takeOwn({ operator: { ...OPERATOR, state: "ringing", call_id: "c1" }, call: CALL, call_id: "c1", appeal_id: "a1" });
  assert.deepEqual(told, ["operator", "operator", "call", "appeal"]);
  assert.deepEqual([desk.callId, desk.appealId, desk.call.number], ["c1", "a1", CALL.number]);
});

test("whether somebody talks is the telephone's to say, and without one the live view's", () => {
  const desk = new Desk();
  desk.takeOwn({ operator: { ...OPERATOR, state: "talking" }, call: CALL, call_id: "c1", appeal_id: null });
  assert.ok(desk.talking);
  desk.takePhone({ talking: false });
  assert.ok(!desk.talking);
});

test("the line is told of once when it goes and once when it comes", () => {
  const desk = new Desk();
  const told = heard(desk);
  desk.takeLine("up");
  desk.takeLine("up");
  assert.ok(desk.up);
  desk.takeLine("lost");
  assert.ok(!desk.up);
  assert.deepEqual(told, ["line", "line"]);
});

test("the appeal of a call that is over is one's business only while one writes up", () => {
  const desk = new Desk();
  const own = { call: null, call_id: "c1", appeal_id: "a1" };
  desk.takeOwn({ ...own, operator: { ...OPERATOR, state: "talking" }, call: CALL });
  assert.equal(desk.about, "a1");
  desk.takeOwn({ ...own, operator: { ...OPERATOR, state: "wrap_up" } });
  assert.equal(desk.about, "a1");
  desk.takeOwn({ ...own, operator: OPERATOR });
  assert.equal(desk.about, null);
});
