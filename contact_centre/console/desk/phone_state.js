/**
 * What the telephone of the page is, and what it does next. Pure: no library, no timers, no sound.
 *
 * `step(state, event)` gives the next state and the effects that the shell (softphone.js) carries out. Observations
 * (what the network or a session reports) are never refused; a command that makes no sense now raises `NotNow` and
 * changes nothing.
 *
 * line   off         not started, or stopped
 *        connecting  on the way to Asterisk, or back to it
 *        ready       registered: calls come in
 *        refused     Asterisk does not know the account any more: signed out, expired, or another page has it
 *        elsewhere   a younger page of the same operator has the telephone
 * reached  whether Asterisk has ever answered this page
 * expected null, or the id of a call that the operator has asked for: it is answered by itself
 * call   null, or the talk with the citizen: phase ringing | answering | dialling | talking | ending; line and callId
 *        as the dialplan names them, null where it does not
 * consult  null, or the talk with a colleague before a transfer: phase dialling | talking | ending
 * transfer null, or what was asked for: kind blind | attended, target
 * last   what happened last, as a code that the page puts into words. The call ended: hung-up, other-side, missed,
 *        declined, failed, media-lost, transferred, phone-stopped; it goes on: transfer-failed; before this page was
 *        loaded: page-closed (the citizen was given back to the queue, and comes first)
 */

export const FIRST_RETRY_S = 1;
export const LAST_RETRY_S = 30;
/** So long may the sound be interrupted before the talk is given up, seconds; Asterisk does so after 20 (rtp_timeout). */
export const MEDIA_PATIENCE_S = 12;
/** Asterisk asks every 10 s whether we are there (qualify_frequency): silence for longer is a dead connection. */
export const SILENCE_S = 25;

/** A BYE that tells the dialplan that nobody hung up: the citizen goes back in front of the queue (extensions.conf). */
export const LOST = { reason: 'Q.850;cause=44;text="page lost"' };

export class NotNow extends Error {
  constructor(command, state) {
    super(`${command}: not now (line ${state.line}, call ${state.call?.phase ?? "none"})`);
    this.name = "NotNow";
  }
}

export const INITIAL = Object.freeze({
  line: "off",
  attempt: 0,
  yields: false,
  reached: false,
  expected: null,
  call: null,
  consult: null,
  transfer: null,
  last: null,
});

const DIGITS = /^[0-9*#]{1,32}$/;
const TARGET = /^[0-9]{3,5}$/;

const still = (state) => [state, []];
const with_ = (state, changes, ...effects) => [{ ...state, ...changes }, effects];

function retryAfter(attempt) {
  return Math.min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** attempt);
}

function allow(condition, command, state) {
  if (!condition) throw new NotNow(command, state);
}

const talking = (state) => state.call?.phase === "talking" && state.transfer === null;

/** The call is over: what remains of the talk with the colleague becomes the call, or nothing does. */
function over(state, why) {
  const last = { why: state.transfer?.done ? "transferred" : why, from: state.call.from };
  const rest = state.consult && state.consult.phase !== "ending" ? state.consult : null;
  const effects = rest ? [{ do: "hangUp", id: rest.id }] : [];
  const next = { ...state, call: null, transfer: null, consult: rest && { ...rest, phase: "ending" }, last };
  if (next.yields && !next.consult) return [{ ...next, line: "elsewhere" }, [...effects, { do: "leave" }]];
  return [next, effects];
}

const COMMANDS = {
  start(state) {
    allow(["off", "refused", "elsewhere"].includes(state.line), "start", state);
    return with_(state, { line: "connecting", attempt: 0, yields: false }, { do: "claim" }, { do: "connect" });
  },

  /** Sign-out, or the page is closed: whom we talk with is given back to the queue, not hung up on. */
  stop(state, { closing = false }) {
    const effects = [state.consult, state.call]
      .filter((one) => one && one.phase !== "ending")
      .map((one) => ({ do: "hangUp", id: one.id, ...(one === state.call ? LOST : {}) }));
    const last = state.call ? { why: "phone-stopped", from: state.call.from } : state.last;
    return [{ ...INITIAL, reached: state.reached, last }, [...effects, { do: closing ? "drop" : "leave" }]];
  },

  /** Do not wait for the next attempt to reach Asterisk. */
  retry(state) {
    allow(state.line === "connecting", "retry", state);
    return with_(state, {}, { do: "reconnect" });
  },

  /** The operator has asked for a call: their own leg of it, which may ring already, needs no answering. */
  expect(state, { callId }) {
    allow(typeof callId === "string" && callId !== "", "expect", state);
    if (state.call?.phase === "ringing" && state.call.callId === callId) return COMMANDS.answer(state);
    return with_(state, { expected: callId });
  },

  answer(state) {
    allow(state.call?.phase === "ringing", "answer", state);
    return with_(state, { call: { ...state.call, phase: "answering" } }, { do: "answer", id: state.call.id });
  },

  hangUp(state) {
    allow(state.call && state.call.phase !== "ending", "hangUp", state);
    const why = state.call.phase === "ringing" ? "declined" : "hung-up";
    return with_(state, { call: { ...state.call, phase: "ending", why } }, { do: "hangUp", id: state.call.id });
  },

  dial(state, { target }) {
    allow(state.line === "ready" && !state.call && !state.consult && TARGET.test(target), "dial", state);
    const call = { id: "dialled", from: { number: target, name: "" }, phase: "dialling", held: false, muted: false };
    const more = { media: "new", outgoing: true, line: null, callId: null };
    return with_(state, { call: { ...call, ...more } }, { do: "dial", id: "dialled", target });
  },

  hold(state) {
    allow(talking(state) && !state.call.held, "hold", state);
    return with_(state, { call: { ...state.call, held: true } }, { do: "hold", id: state.call.id });
  },

  unhold(state) {
    allow(talking(state) && state.call.held && !state.consult, "unhold", state);
    return with_(state, { call: { ...state.call, held: false } }, { do: "unhold", id: state.call.id });
  },

  mute(state) {
    allow(state.call?.phase === "talking" && !state.call.muted, "mute", state);
    return with_(state, { call: { ...state.call, muted: true } }, { do: "mute", id: state.call.id });
  },

  unmute(state) {
    allow(state.call?.phase === "talking" && state.call.muted, "unmute", state);
    return with_(state, { call: { ...state.call, muted: false } }, { do: "unmute", id: state.call.id });
  },

  press(state, { digits }) {
    const to = state.consult?.phase === "talking" ? state.consult : state.call;
    allow(to?.phase === "talking" && DIGITS.test(digits), "press", state);
    return with_(state, {}, { do: "press", id: to.id, digits });
  },

  transfer(state, { target }) {
    allow(talking(state) && !state.consult && TARGET.test(target), "transfer", state);
    const transfer = { kind: "blind", target, done: false };
    return with_(state, { transfer }, { do: "refer", id: state.call.id, target });
  },

  consult(state, { target }) {
    allow(talking(state) && !state.consult && TARGET.test(target), "consult", state);
    const held = state.call.held ? [] : [{ do: "hold", id: state.call.id }];
    const consult = { id: "consult", target, phase: "dialling" };
    return [
      { ...state, call: { ...state.call, held: true }, consult },
      [...held, { do: "dial", id: "consult", target }],
    ];
  },

  completeTransfer(state) {
    allow(talking(state) && state.consult?.phase === "talking", "completeTransfer", state);
    const transfer = { kind: "attended", target: state.consult.target, done: false };
    return with_(state, { transfer }, { do: "referReplaces", id: state.call.id, by: state.consult.id });
  },

  /** Back to the citizen: who waits on hold is heard again when the colleague is gone. */
  cancelConsult(state) {
    allow(state.consult && state.consult.phase !== "ending" && state.transfer === null, "cancelConsult", state);
    const consult = { ...state.consult, phase: "ending", back: true };
    return with_(state, { consult }, { do: "hangUp", id: state.consult.id });
  },
};

const OBSERVATIONS = {
  registered(state) {
    if (state.line !== "connecting" && state.line !== "ready") return still(state);
    return with_(state, { line: "ready", attempt: 0, reached: true });
  },

  /** The connection is gone; the shell's library is already building the next one. */
  disconnected(state) {
    if (state.line !== "ready" && state.line !== "connecting") return still(state);
    return with_(state, { line: "connecting" });
  },

  /** Nothing heard for `SILENCE_S`: a connection that does not know yet that it is dead. */
  silence(state) {
    if (state.line !== "ready") return still(state);
    return with_(state, { line: "connecting" }, { do: "reconnect" });
  },

  /** Asterisk does not take the registration: with 401 and 403 the account is at its end, else it is tried again. */
  registrationFailed(state, { status }) {
    if (state.line !== "ready" && state.line !== "connecting") return still(state);
    if (status === 401 || status === 403) {
      const effects = state.call ? [] : [{ do: "leave" }];
      return [{ ...state, line: "refused" }, effects];
    }
    const seconds = retryAfter(state.attempt);
    return with_(state, { line: "connecting", attempt: state.attempt + 1 }, { do: "registerIn", seconds });
  },

  /** A younger page of the same operator has begun. A talk is brought to its end first. */
  claimed(state) {
    if (state.line === "off" || state.line === "elsewhere") return still(state);
    if (state.call || state.consult) return with_(state, { yields: true }, { do: "stay" });
    return with_(state, { line: "elsewhere" }, { do: "leave" });
  },

  incoming(state, { id, from, line = null, callId = null }) {
    if (state.call || state.consult || state.yields) return with_(state, {}, { do: "busy", id });
    const call = { id, from, phase: "ringing", held: false, muted: false, media: "new", outgoing: false, line, callId };
    const ringing = { ...state, call, last: null };
    if (callId !== null && callId === state.expected) return COMMANDS.answer({ ...ringing, expected: null });
    return [ringing, [{ do: "ring" }]];
  },

  accepted(state, { id }) {
    if (state.call?.id === id && state.call.phase !== "ending") {
      return with_(state, { call: { ...state.call, phase: "talking" } }, { do: "quiet" });
    }
    if (state.consult?.id === id && state.consult.phase !== "ending") {
      return with_(state, { consult: { ...state.consult, phase: "talking" } });
    }
    return still(state);
  },

  ended(state, { id, failed = false }) {
    if (state.call?.id === id) {
      const { phase } = state.call;
      const unanswered = phase === "ringing" ? "missed" : failed ? "failed" : "other-side";
      const [next, effects] = over(state, state.call.why ?? unanswered);
      return [next, [{ do: "quiet" }, ...effects]];
    }
    if (state.consult?.id === id) {
      if (!state.call && state.yields) return with_(state, { consult: null, line: "elsewhere" }, { do: "leave" });
      if (!state.consult.back || state.call?.phase !== "talking") return with_(state, { consult: null });
      const call = { ...state.call, held: false };
      return with_(state, { consult: null, call }, { do: "unhold", id: call.id });
    }
    return still(state);
  },

  /** The sound's own connection: connected, disconnected (for a while), failed (for good). */
  media(state, { id, is }) {
    if (state.call?.id !== id || state.call.phase === "ending") return still(state);
    const call = { ...state.call, media: is };
    if (is === "failed") return with_(state, { call: { ...call, phase: "ending", why: "media-lost" } }, giveBack(id));
    if (is === "disconnected") return with_(state, { call }, { do: "watchMedia", id, seconds: MEDIA_PATIENCE_S });
    return with_(state, { call });
  },

  mediaTimeout(state, { id }) {
    if (state.call?.id !== id || state.call.media !== "disconnected") return still(state);
    return with_(state, { call: { ...state.call, phase: "ending", why: "media-lost" } }, giveBack(id));
  },

  /** What became of the REFER: the other side has whom it was sent to, or the citizen is still ours. */
  transferred(state) {
    if (!state.transfer) return still(state);
    if (!state.call || state.call.phase === "ending") return with_(state, { transfer: { ...state.transfer, done: true } });
    const transfer = { ...state.transfer, done: true };
    return with_(state, { transfer, call: { ...state.call, phase: "ending" } }, { do: "hangUp", id: state.call.id });
  },

  transferFailed(state) {
    if (!state.transfer) return still(state);
    return with_(state, { transfer: null, last: { why: "transfer-failed", to: state.transfer.target } });
  },
};

const giveBack = (id) => ({ do: "hangUp", id, ...LOST });

/** @returns {[object, object[]]} the next state and the effects, in order */
export function step(state, event) {
  const { type } = event;
  if (Object.hasOwn(COMMANDS, type)) return COMMANDS[type](state, event);
  if (Object.hasOwn(OBSERVATIONS, type)) return OBSERVATIONS[type](state, event);
  throw new TypeError(`no such event: ${type}`);
}

/** The names of what a page may ask for. */
export const COMMAND_NAMES = Object.freeze(Object.keys(COMMANDS));
