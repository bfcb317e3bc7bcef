/**
 * The telephone in the page: SIP over WebSocket straight to Asterisk, and nothing of it through our service.
 *
 * The thin shell around phone_state.js: it turns what JsSIP and the browser report into events, and carries out the
 * effects. The account lives in this object's memory alone. A page uses it so:
 *
 *   const phone = new Softphone(credentials);           // {ws_uri, username, password}, as the service issued them
 *   phone.addEventListener("change", () => show(phone.state));
 *   phone.start();
 *   phone.answer(); phone.hold(); phone.transfer("301"); phone.consult("301"); phone.completeTransfer(); ...
 *   phone.renew(others); phone.start();                 // after "refused" or "elsewhere", with an account of its own
 *
 * A command that makes no sense now throws NotNow (phone_state.js); a microphone that is not there ends the call with
 * `last.why` "failed" and `phone.microphoneError`, the DOMException's name.
 */

import JsSIP from "../vendor/jssip.js";
import { Ringer, constraints } from "./audio.js";
import { COMMAND_NAMES, INITIAL, SILENCE_S, step } from "./phone_state.js";

const REGISTER_S = 60;
const REMEMBERED = "softphone-last";
/** What the dialplan writes into a call to an operator (extensions.conf, operator-rings). */
const LINE_HEADER = "Contact-Centre-Line";
const CALL_HEADER = "Contact-Centre-Call";

export class Softphone extends EventTarget {
  #credentials;
  #state = INITIAL;
  #ua = null;
  #sessions = new Map();
  #timers = new Map();
  #tabs = null;
  #choice;
  #speaker = "";
  #sounds = new Map();
  #ringer = new Ringer();
  #numbered = 0;

  /** What getUserMedia said when it refused, for the page to explain; null when all was well. */
  microphoneError = null;

  constructor(credentials, { microphone = null, speaker = "", ringer = "", processing = true } = {}) {
    super();
    this.#credentials = credentials;
    this.#choice = { microphone, processing };
    this.#speaker = speaker;
    this.#ringer.use(ringer);
    this.#state = { ...INITIAL, last: recall() };
    window.addEventListener("pagehide", () => this.#close());
    window.addEventListener("online", () => this.#send({ type: "silence" }));
  }

  get state() {
    return this.#state;
  }

  /** Another account from the next `start` on. */
  renew(credentials) {
    this.#credentials = credentials;
  }

  /** Hear, speak and ring by other devices from now on, in a talk too. */
  async use({ microphone, speaker, ringer, processing }) {
    this.#choice = { microphone, processing };
    this.#speaker = speaker;
    this.#ringer.use(ringer);
    await Promise.all([...this.#sounds.values()].map((sound) => sound.setSinkId?.(speaker)));
    const senders = [...this.#sessions.values()].flatMap((session) => session.connection?.getSenders() ?? []);
    if (senders.length === 0) return;
    const [track] = (await navigator.mediaDevices.getUserMedia(constraints(this.#choice))).getAudioTracks();
    for (const sender of senders) {
      track.enabled = sender.track?.enabled ?? true;
      sender.track?.stop();
      await sender.replaceTrack(track);
    }
  }

  #send(event) {
    const [next, effects] = step(this.#state, event);
    const changed = next !== this.#state;
    this.#state = next;
    for (const effect of effects) this.#effects[effect.do](effect);
    if (changed) this.dispatchEvent(new Event("change"));
  }

  #effects = {
    claim: () => {
      this.#tabs?.close();
      this.#tabs = new BroadcastChannel(`softphone ${this.#credentials.username}`);
      this.#tabs.postMessage("mine");
      this.#tabs.onmessage = () => this.#send({ type: "claimed" });
    },
    connect: () => this.#connect(),
    reconnect: () => {
      this.#ua?.transport?.disconnect();
      this.#ua?.transport?.connect();
    },
    registerIn: ({ seconds }) => this.#after("register", seconds, () => this.#ua?.register()),
    stay: () => this.#clear("register"),
    leave: () => this.#leave(),
    drop: () => this.#clearAll(),
    ring: () => this.#ringer.ring(),
    quiet: () => this.#ringer.quiet(),
    busy: ({ id }) => this.#sessions.get(id)?.terminate({ status_code: 486 }),
    answer: ({ id }) => this.#sessions.get(id)?.answer(this.#media()),
    hangUp: ({ id, reason }) => this.#hangUp(id, reason),
    dial: ({ id, target }) => this.#dial(id, target),
    hold: ({ id }) => this.#sessions.get(id)?.hold(),
    unhold: ({ id }) => this.#sessions.get(id)?.unhold(),
    mute: ({ id }) => this.#sessions.get(id)?.mute({ audio: true }),
    unmute: ({ id }) => this.#sessions.get(id)?.unmute({ audio: true }),
    press: ({ id, digits }) => this.#sessions.get(id)?.sendDTMF(digits, { transportType: "RFC2833" }),
    refer: ({ id, target }) => this.#refer(id, target, {}),
    referReplaces: ({ id, by }) => {
      const other = this.#sessions.get(by);
      this.#refer(id, other.remote_identity.uri.user, { replaces: other });
    },
    watchMedia: ({ id, seconds }) => this.#after("media", seconds, () => this.#send({ type: "mediaTimeout", id })),
  };

  // ---- the line

  #connect() {
    this.#leave();
    this.microphoneError = null;
    const { ws_uri, username, password } = this.#credentials;
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(ws_uri)],
      uri: `sip:${username}@${new URL(ws_uri).hostname}`,
      password,
      register_expires: REGISTER_S,
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 15,
      user_agent: "contact-centre desk",
    });
    this.#ua = ua;
    const ours = (heard) => (data) => ua === this.#ua && heard(data);
    const alive = () => this.#after("silence", SILENCE_S, () => this.#send({ type: "silence" }));
    ua.on("registered", ours(() => this.#send({ type: "registered" })));
    ua.on("registrationFailed", ours(({ response }) => {
      this.#send({ type: "registrationFailed", status: response?.status_code ?? null });
    }));
    // Who listens registers again themselves: a page that has lost the telephone to another must not take it back.
    ua.on("registrationExpiring", ours(() => this.#state.yields || ua.register()));
    ua.on("connected", ours(alive));
    ua.on("newTransaction", ours(alive));
    ua.on("disconnected", ours(() => {
      this.#clear("silence");
      this.#send({ type: "disconnected" });
    }));
    ua.on("newRTCSession", ours(({ originator, session, request }) => originator === "remote" && this.#incoming(session, request)));
    ua.start();
  }

  /** Away from Asterisk; it forgets a page whose connection is closed at once. */
  #leave() {
    this.#clearAll();
    const ua = this.#ua;
    this.#ua = null;
    ua?.stop();
  }

  /** The page goes, for whatever reason: no time for answers, but what is sent now still leaves. */
  #close() {
    if (this.#state.line === "off" && !this.#state.call) return;
    if (this.#state.call?.phase === "talking") remember({ why: "page-closed" });
    this.#send({ type: "stop", closing: true });
  }

  // ---- sessions

  #incoming(session, request) {
    const id = `call-${++this.#numbered}`;
    this.#listen(id, session);
    const { display_name: name, uri } = session.remote_identity;
    const [line, callId] = [LINE_HEADER, CALL_HEADER].map((header) => request.getHeader(header) || null);
    const plain = (name ?? "").replace(/\\(.)/gs, "$1"); // the library leaves quoted pairs (RFC 3261, 25.1) as they are
    this.#send({ type: "incoming", id, from: { number: uri.user, name: plain }, line, callId });
  }

  #dial(id, target) {
    try {
      const session = this.#ua.call(`sip:${target}@${this.#ua.configuration.uri.host}`, this.#media());
      this.#listen(id, session);
    } catch (error) {
      this.microphoneError = error.name;
      queueMicrotask(() => this.#send({ type: "ended", id, failed: true }));
    }
  }

  #listen(id, session) {
    this.#sessions.set(id, session);
    this.microphoneError = null;
    session.on("peerconnection", ({ peerconnection }) => this.#watch(id, peerconnection));
    if (session.connection) this.#watch(id, session.connection);
    session.on("getusermediafailed", (error) => { this.microphoneError = error?.name ?? "unknown"; });
    session.on("confirmed", () => this.#send({ type: "accepted", id }));
    const ended = (failed) => () => {
      this.#sessions.delete(id);
      this.#sounds.delete(id);
      this.#send({ type: "ended", id, failed });
    };
    session.on("ended", ended(false));
    session.on("failed", ended(true));
  }

  #watch(id, connection) {
    connection.addEventListener("track", ({ track, streams }) => {
      const sound = new Audio();
      sound.autoplay = true;
      sound.srcObject = streams[0] ?? new MediaStream([track]);
      sound.setSinkId?.(this.#speaker);
      this.#sounds.set(id, sound);
    });
    connection.addEventListener("connectionstatechange", () => {
      this.#send({ type: "media", id, is: connection.connectionState });
    });
  }

  #hangUp(id, reason) {
    const session = this.#sessions.get(id);
    if (!session || session.isEnded()) return;
    session.terminate(reason && session.isEstablished() ? { extraHeaders: [`Reason: ${reason}`] } : {});
  }

  #refer(id, target, options) {
    const session = this.#sessions.get(id);
    const failed = () => this.#send({ type: "transferFailed" });
    session.refer(`sip:${target}@${this.#ua.configuration.uri.host}`, {
      ...options,
      eventHandlers: { accepted: () => this.#send({ type: "transferred" }), failed, requestFailed: failed },
    });
  }

  #media() {
    return {
      mediaConstraints: constraints(this.#choice),
      pcConfig: { iceServers: [] },
      rtcOfferConstraints: { offerToReceiveAudio: true, offerToReceiveVideo: false },
    };
  }

  // ---- time

  #after(name, seconds, act) {
    this.#clear(name);
    this.#timers.set(name, setTimeout(act, seconds * 1000));
  }

  #clear(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #clearAll() {
    for (const name of [...this.#timers.keys()]) this.#clear(name);
    this.#ringer.quiet();
  }

  static {
    for (const name of COMMAND_NAMES) {
      Softphone.prototype[name] = function command(argument) {
        const named = typeof argument === "string" ? { target: argument, digits: argument, callId: argument } : argument;
        this.#send({ ...named, type: name });
      };
    }
  }
}

/** What a page says after a reload of the talk that it cut; no number and no name are kept. */
function remember(last) {
  sessionStorage.setItem(REMEMBERED, JSON.stringify(last));
}

function recall() {
  const last = sessionStorage.getItem(REMEMBERED);
  sessionStorage.removeItem(REMEMBERED);
  return last === null ? null : JSON.parse(last);
}
