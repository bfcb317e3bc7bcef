/**
 * What the strip of the telephone shows and which of its buttons can be pressed. Pure: from the telephone's state
 * (phone_state.js, or table_phone.js in the same form) to codes that the page puts into words.
 */

/** So long may reaching Asterisk for the first time take before the page says what may be wrong, milliseconds. */
export const PATIENCE_MS = 4000;
/** A second press of the key that has just answered does not end the talk. */
export const GUARD_MS = 1000;

const badge = (tone, word) => ({ tone, word });
const say = (key, more = {}) => ({ key, target: null, link: null, action: null, tone: "quiet", ...more });

function badgeOf(kind, { line, call, consult }, microphone) {
  if (consult) return badge("talking", "consulting");
  if (call) {
    if (call.phase === "ringing") return badge("due", "ringing");
    if (call.phase === "dialling" || call.phase === "answering") return badge("talking", call.phase);
    if (call.phase === "ending") return badge("rest", "ending");
    if (call.held) return badge("due", "held");
    return call.muted ? badge("due", "muted") : badge("talking", "talking");
  }
  if (kind === "none" && line === "connecting") return badge("rest", "connecting");
  if (kind === "none" || microphone) return badge("late", "off");
  if (line === "ready") return badge("rest", "ready");
  return line === "connecting" ? badge("late", "connecting") : badge("late", line === "elsewhere" ? "elsewhere" : "off");
}

function duringTalk(state, microphone) {
  const { line, call, yields, last } = state;
  if (microphone) return say("microphone_lost_talking", { tone: "late" });
  if (call.media === "disconnected") return say("sound_interrupted", { tone: "late" });
  if (line === "connecting") return say("line_lost_talking", { tone: "due" });
  if (line === "refused") return say("refused_talking", { tone: "due" });
  if (yields) return say("yields", { tone: "due" });
  if (last?.why === "transfer-failed") return say("last_transfer-failed", { target: last.to, tone: "due" });
  if (call.held) return say("held");
  return call.muted ? say("muted", { tone: "due" }) : null;
}

function duringCall(kind, state, { microphone }) {
  const { call, consult, transfer } = state;
  if (transfer) return say("forwarding", { target: transfer.target });
  if (consult) return say(`consult_${consult.phase}`, { target: consult.target, tone: "due" });
  if (call.phase === "talking") return kind === "sip" ? say("table_talk") : duringTalk(state, microphone);
  return kind === "sip" && call.phase === "ringing" ? say("pick_up") : null;
}

/** The page by which a browser is asked to trust Asterisk's certificate: the telephone's own address, by https. */
export function certificatePage(uri) {
  return uri?.startsWith("wss:") ? uri.replace("wss:", "https:") : null;
}

function withoutCall(kind, state, { microphone, waitedMs, uri, silent, up }) {
  const { line, last, reached } = state;
  if (kind === "sip") {
    if (!up) return say("service_away", { tone: "late" });
    return line === "ready" ? say("idle_sip") : say(line === "off" ? "sip_off" : "sip_away", { tone: "due" });
  }
  if (microphone) return say(`microphone_${microphone}`, { action: "microphone", tone: microphone === "asking" ? "due" : "late" });
  if (line === "elsewhere" || line === "refused") return say(line, { action: "take", tone: "due" });
  if (line === "off") return say("off", { action: "take", tone: "late" });
  if (line === "connecting") {
    if (waitedMs < PATIENCE_MS) return say(reached ? "line_lost" : "connecting", { tone: reached ? "late" : "quiet" });
    const link = reached ? null : certificatePage(uri);
    return say(link ? "certificate" : "line_lost", { link, action: "retry", tone: "late" });
  }
  if (silent) return say("silent", { tone: "due" });
  return last ? say(`last_${last.why}`, { target: last.to ?? null }) : say("idle");
}

function noticeOf(kind, state, known) {
  if (kind === "none") return say("none", { tone: state.line === "off" ? "late" : "quiet" });
  return state.call ? duringCall(kind, state, known) : withoutCall(kind, state, known);
}

function buttonsOf(kind, { call, consult, transfer }, { answeredMs, up }) {
  const talking = call?.phase === "talking" && !transfer;
  const page = kind === "browser";
  const table = kind === "sip" && up;
  return {
    answer: { shown: call?.phase === "ringing", can: page && call?.phase === "ringing" },
    end: {
      can: Boolean(call) && !consult && ((page && ["talking", "dialling", "answering"].includes(call.phase) && answeredMs >= GUARD_MS)
        || (table && talking && Boolean(call.callId))),
    },
    hold: { word: consult ? "back" : call?.held ? "unhold" : "hold", on: Boolean(call?.held), can: page && talking && consult?.phase !== "ending" },
    mute: { word: call?.muted ? "unmute" : "mute", on: Boolean(call?.muted), can: page && call?.phase === "talking" },
    forward: {
      word: consult ? "complete" : "forward",
      can: talking && (consult ? consult.phase === "talking" : page || (table && Boolean(call.callId))),
    },
    keys: { can: page && (consult ?? call)?.phase === "talking" },
  };
}

/**
 * @param kind "browser", "sip" or "none"
 * @param state the telephone's state
 * @param known what else is known: `microphone` (what is wrong with it: asking, denied, missing, busy, or null),
 *   `waitedMs` since the line is as it is, `answeredMs` since the talk began, `uri` of Asterisk, `silent` whether the
 *   browser would not let the page ring, `up` whether our service answers
 */
export function describe(kind, state, known = {}) {
  const all = { microphone: null, waitedMs: 0, answeredMs: Infinity, uri: null, silent: false, up: true, ...known };
  return { badge: badgeOf(kind, state, all.microphone), notice: noticeOf(kind, state, all), buttons: buttonsOf(kind, state, all) };
}

/**
 * The short number that somebody has typed or chosen: the number itself, "301 Name" as the list offers it, or a part of
 * one colleague's name. Null when it is nobody's, or several people's.
 */
export function extensionOf(text, colleagues) {
  const typed = text.trim();
  const [first] = typed.split(/\s/);
  if (/^[0-9]{3,5}$/.test(first)) return first;
  const wanted = typed.toLocaleLowerCase("uk");
  const found = wanted === "" ? [] : colleagues.filter(({ name }) => name.toLocaleLowerCase("uk").includes(wanted));
  return found.length === 1 ? found[0].extension : null;
}
