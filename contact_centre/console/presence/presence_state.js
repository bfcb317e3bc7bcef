/**
 * What the strip of the operator's own state shows and offers. Pure: from the operator's row of the live view to codes
 * that the page puts into words.
 */

const WRAP_UP = "wrapup";
const TONES = {
  signed_out: "rest", free: "free", ringing: "due", talking: "talking", wrap_up: "due", paused: "rest", offline: "late",
};
/** The pause that Asterisk makes for a call out, and ends itself. */
const OWN = new Set(["outbound", WRAP_UP]);

/**
 * @param operator the row ({state, reason, since, paused_at}, times in milliseconds), null for who is not in the queue
 * @param now      the service's time, milliseconds
 * @param limit    seconds of a wrap-up
 * @returns state, tone; since (milliseconds, or null) or left (seconds of the wrap-up, or null); hint and its reason;
 *          main: what F9 does ("sign-in", "pause", "ready", "cancel", "result"); more: whether the pauses have a button
 *          of their own
 */
export function describe(operator, { now, limit }) {
  if (!operator) return shown("signed_out", { main: "sign-in", hint: "signed_out" });
  const { state, reason, since, paused_at: pausedAt } = operator;
  const used = state === "talking" || state === "ringing";
  if (reason === WRAP_UP && !used) {
    const left = Math.max(0, Math.ceil(((pausedAt ?? since) + limit * 1000 - now) / 1000));
    return shown("wrap_up", { left, main: "result", hint: "wrap_up", more: true });
  }
  if (used) {
    const after = reason !== null && !OWN.has(reason);
    return shown(state, after ? { since, main: "cancel", hint: "after", reason, more: true } : { since });
  }
  if (reason !== null) {
    const hint = state === "offline" ? "offline" : "paused";
    return shown(state, { since: pausedAt ?? since, main: "ready", hint, reason, more: true });
  }
  return shown(state, { since, hint: state === "offline" ? "offline" : "free" });
}

const shown = (state, more) => ({
  state, tone: TONES[state], since: null, left: null, hint: null, reason: null, main: "pause", more: false, ...more,
});
