// What the strip of the telephone shows, and which of its keys can be pressed.
import assert from "node:assert/strict";
import test from "node:test";

import { INITIAL, step } from "../../../contact_centre/console/desk/phone_state.js";
import { GUARD_MS, PATIENCE_MS, certificatePage, describe, extensionOf } from "../../../contact_centre/console/desk/phone_view.js";
import { TablePhone, tableState } from "../../../contact_centre/console/desk/table_phone.js";

const FROM = { number: "0501234567", name: "" };
const after = (...events) => events.reduce((state, event) => step(state, event)[0], INITIAL);
const READY = [{ type: "start" }, { type: "registered" }];
const RINGING = [...READY, { type: "incoming", id: "a", from: FROM, line: "15-80", callId: "cc1-1" }];
const TALKING = [...RINGING, { type: "answer" }, { type: "accepted", id: "a" }, { type: "media", id: "a", is: "connected" }];
const CONSULTING = [...TALKING, { type: "consult", target: "301" }, { type: "accepted", id: "consult" }];
const page = (events, known) => describe("browser", after(...events), known);
const can = ({ buttons }) => Object.keys(buttons).filter((name) => buttons[name].can);

test("an idle telephone says that calls come, and nothing can be pressed", () => {
  const shown = page(READY);
  assert.deepEqual([shown.badge.word, shown.notice.key, can(shown)], ["ready", "idle", []]);
});

test("while it rings only answering is offered; in a talk everything but that", () => {
  const ringing = page(RINGING);
  assert.deepEqual([ringing.badge.word, ringing.buttons.answer.shown, can(ringing)], ["ringing", true, ["answer"]]);
  const talking = page(TALKING);
  assert.deepEqual([talking.badge.word, talking.notice], ["talking", null]);
  assert.deepEqual(can(talking), ["end", "hold", "mute", "forward", "keys"]);
});

test("a second press of the key that has answered does not hang up", () => {
  assert.ok(!can(page(TALKING, { answeredMs: GUARD_MS - 1 })).includes("end"));
  assert.ok(can(page(TALKING, { answeredMs: GUARD_MS })).includes("end"));
});

test("with a colleague the keys lead back to the citizen or put through, and none ends the citizen's call", () => {
  const asking = page([...TALKING, { type: "consult", target: "301" }]);
  assert.deepEqual([asking.buttons.hold.word, asking.buttons.forward.word], ["back", "complete"]);
  assert.deepEqual([asking.notice.key, asking.notice.target, can(asking)], ["consult_dialling", "301", ["hold", "mute"]]);
  assert.deepEqual(can(page(CONSULTING)), ["hold", "mute", "forward", "keys"]);
  assert.deepEqual(can(page([...CONSULTING, { type: "completeTransfer" }])), ["mute", "keys"]);
});

test("a talk whose connection is interrupted says so and keeps its keys", () => {
  const lost = page([...TALKING, { type: "disconnected" }]);
  assert.deepEqual([lost.badge.word, lost.notice.key], ["talking", "line_lost_talking"]);
  assert.ok(can(lost).includes("end"));
  const silent = page([...TALKING, { type: "media", id: "a", is: "disconnected" }]);
  assert.deepEqual([silent.notice.key, silent.notice.tone], ["sound_interrupted", "late"]);
});

test("a microphone that is pulled out in a talk is told at once, and the talk keeps its keys", () => {
  const shown = page(TALKING, { microphone: "missing" });
  assert.deepEqual([shown.notice.key, shown.notice.action, can(shown).length], ["microphone_lost_talking", null, 5]);
});

test("Asterisk that never answered may have a certificate nobody trusts, one that did is only away", () => {
  const known = { waitedMs: PATIENCE_MS, uri: "wss://desk.example:8089/ws" };
  const never = page([{ type: "start" }], known).notice;
  assert.deepEqual([never.key, never.link, never.action], ["certificate", "https://desk.example:8089/ws", "retry"]);
  assert.equal(page([{ type: "start" }], { ...known, waitedMs: 0 }).notice.key, "connecting");
  assert.equal(page([{ type: "start" }], { ...known, uri: "ws://localhost:8088/ws" }).notice.key, "line_lost");
  const before = page([...READY, { type: "disconnected" }], known).notice;
  assert.deepEqual([before.key, before.link], ["line_lost", null]);
  assert.equal(certificatePage(null), null);
});

test("whoever has no telephone is told why, and what can be done", () => {
  for (const what of ["asking", "denied", "missing", "busy"]) {
    const { notice, badge } = page(READY, { microphone: what });
    assert.deepEqual([notice.key, notice.action, badge.word], [`microphone_${what}`, "microphone", "off"]);
  }
  const elsewhere = page([...READY, { type: "claimed" }]);
  assert.deepEqual([elsewhere.notice.key, elsewhere.notice.action], ["elsewhere", "take"]);
  const refused = page([...READY, { type: "registrationFailed", status: 401 }]);
  assert.deepEqual([refused.notice.key, refused.notice.action], ["refused", "take"]);
  assert.equal(page(READY, { silent: true }).notice.key, "silent");
  assert.equal(describe("none", { ...INITIAL, line: "off" }).notice.key, "none");
});

test("what happened last stands there until the next call", () => {
  const missed = [...RINGING, { type: "ended", id: "a", failed: true }];
  assert.equal(page(missed).notice.key, "last_missed");
  assert.equal(page([...missed, { type: "incoming", id: "b", from: FROM }]).notice, null);
  const failed = page([...TALKING, { type: "transfer", target: "301" }, { type: "transferFailed" }]).notice;
  assert.deepEqual([failed.key, failed.target], ["last_transfer-failed", "301"]);
});

const OPERATOR = { login: "taras", state: "free", reason: null, since: 0, call_id: null };
const CALL = { call_id: "cc1-9", line: "588-888", number: "+380 50 123 45 67", name: "Жанна", since: 0, stage: "talking", parties: ["taras"] };

test("a phone on the table shows what the live view says, and offers what can be done from here", () => {
  const shown = (operator, call, known) => describe("sip", tableState(operator, call), known);
  assert.equal(shown(null, null).notice.key, "sip_off");
  assert.equal(shown({ ...OPERATOR, state: "offline" }, null).notice.key, "sip_away");
  assert.equal(shown(OPERATOR, null).notice.key, "idle_sip");
  const rings = shown({ ...OPERATOR, state: "ringing", call_id: "cc1-9" }, { ...CALL, parties: [] });
  assert.deepEqual([rings.badge.word, rings.notice.key, can(rings)], ["ringing", "pick_up", []]);
  const talks = shown({ ...OPERATOR, state: "talking", call_id: "cc1-9" }, CALL);
  assert.deepEqual([talks.badge.word, talks.notice.key, can(talks)], ["talking", "table_talk", ["end", "forward"]]);
  assert.deepEqual(can(shown({ ...OPERATOR, state: "talking" }, null)), []);
  assert.deepEqual(can(shown({ ...OPERATOR, state: "talking", call_id: "cc1-9" }, CALL, { up: false })), []);
  assert.equal(shown(OPERATOR, null, { up: false }).notice.key, "service_away");
});

test("a call that an operator still hears is theirs, one they have given away is not", () => {
  assert.equal(tableState({ ...OPERATOR, state: "wrap_up" }, CALL).call.callId, "cc1-9");
  assert.equal(tableState(OPERATOR, { ...CALL, parties: ["water"] }).call, null);
});

test("from the table only the own call is ended or put through, and nothing is asked without one", async () => {
  const desk = Object.assign(new EventTarget(), { operator: { ...OPERATOR, state: "talking", call_id: "cc1-9" }, call: CALL });
  const sent = [];
  const phone = new TablePhone(desk, async (...what) => sent.push(what));
  assert.equal(phone.talking, true);
  await phone.forward("301", { attended: true });
  await phone.hangUp();
  assert.deepEqual(sent, [
    ["forward", { call_id: "cc1-9", extension: "301", attended: "1" }],
    ["hangUp", { call_id: "cc1-9" }],
  ]);
  desk.call = null;
  desk.operator = OPERATOR;
  await assert.rejects(phone.hangUp(), { name: "NotNow" });
  assert.throws(() => phone.hold(), { name: "NotNow" });
});

test("a colleague is found by number, by what the list offers, or by a part of one name", () => {
  const people = [{ extension: "301", name: "Водоканал" }, { extension: "302", name: "Ґудзь Іван" }, { extension: "303", name: "Ґудзь Олена" }];
  const found = (text) => extensionOf(text, people);
  assert.deepEqual(["301", "301 Водоканал", " водо", "ґудзь олена"].map(found), ["301", "301", "301", "303"]);
  assert.deepEqual(["", "ґудзь", "*11", "12", "sip:301@evil"].map(found), [null, null, null, null, null]);
});
