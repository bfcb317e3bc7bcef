/**
 * The SIP phone on the operator's table, as the page sees it: its state is what the live view says of the operator, in
 * the form of phone_state.js, and what can be done from here goes through our service. Answering, hold and mute are
 * done on the telephone itself.
 */
import { INITIAL, NotNow } from "./phone_state.js";

/** The telephone's state. `operator` and `call` are the desk's (desk_state.js). */
export function tableState(operator, call) {
  if (!operator) return INITIAL;
  const line = operator.state === "offline" ? "connecting" : "ready";
  const phase = { ringing: "ringing", talking: "talking" }[operator.state];
  const theirs = call && (call.call_id === operator.call_id || call.parties.includes(operator.login));
  if (!phase && !(theirs && call.parties.includes(operator.login))) return { ...INITIAL, line };
  return {
    ...INITIAL,
    line,
    call: {
      id: "table",
      from: { number: theirs ? call.number ?? "" : "", name: theirs ? call.name ?? "" : "" },
      line: theirs ? call.line : null,
      callId: theirs ? call.call_id : null,
      phase: phase ?? "talking",
      held: false,
      muted: false,
      media: "connected",
      outgoing: false,
    },
  };
}

export class TablePhone extends EventTarget {
  kind = "sip";
  #desk;
  #send;

  /** `send(action, fields)` asks our service for "hangUp" or "forward", and rejects when it is refused. */
  constructor(desk, send) {
    super();
    this.#desk = desk;
    this.#send = send;
    for (const event of ["operator", "call", "line"]) {
      desk.addEventListener(event, () => this.dispatchEvent(new Event("change")));
    }
  }

  get state() {
    return tableState(this.#desk.operator, this.#desk.call);
  }

  get talking() {
    return this.state.call?.phase === "talking";
  }

  async hangUp() {
    await this.#send("hangUp", { call_id: this.#call("hangUp") });
  }

  /** After a word (`attended`) the citizen is put through when the operator hangs up on the telephone. */
  async forward(extension, { attended = false } = {}) {
    await this.#send("forward", { call_id: this.#call("forward"), extension, attended: attended ? "1" : "" });
  }

  /** The operator's telephone rings first, and is picked up by hand. */
  expect() {}

  #call(command) {
    const { state } = this;
    if (!state.call?.callId) throw new NotNow(command, state);
    return state.call.callId;
  }

  static {
    for (const name of ["answer", "hold", "unhold", "mute", "unmute", "press", "completeForward", "cancelForward"]) {
      TablePhone.prototype[name] = function onTheTelephoneItself() {
        throw new NotNow(name, this.state);
      };
    }
  }
}
