// What the parts of the desk page share: the live state of this operator, and the telephone.
import { Board } from "../shift/board_state.js";

/**
 * Events: "operator", "call", "appeal", "phone" and "board", each when that has changed; "line" when the stream to the
 * service came or went (`desk.line`: "up", "lost", "ended" with the session; or "new").
 *
 * operator  the operator's row in the queue ({login, state, reason, since, call_id}), null while signed out of it
 * call      the call in which they are, or which rings ({call_id, line, number, name, since, stage, parties}), or null
 * callId    that call's id, or when there is none, that of the last one
 * appealId  the appeal which that call is about, null while there is none
 * phone     the telephone (phone_panel.js)
 * board     everything that everybody sees (board_state.js)
 */
export class Desk extends EventTarget {
  operator = null;
  call = null;
  callId = null;
  appealId = null;
  phone = null;
  board = new Board();
  line = "new";

  /** Whether the operator talks with somebody. */
  get talking() {
    return this.phone?.talking ?? (this.operator?.state === "talking");
  }

  /** Whether what the page shows is that of now. */
  get up() {
    return this.line === "up";
  }

  /** The appeal that the operator is busy with: of the call that goes on, or of the one after which they write. */
  get about() {
    return this.call || this.operator?.state === "wrap_up" ? this.appealId : null;
  }

  /** The service's time, milliseconds. */
  get now() {
    return this.board.now(Date.now());
  }

  takeOwn({ operator, call, call_id: callId, appeal_id: appealId }) {
    const before = { ...this };
    Object.assign(this, { operator, call, callId, appealId });
    if (!same(before.operator, operator)) this.#tell("operator");
    if (before.callId !== callId || !same(before.call, call)) this.#tell("call");
    if (before.appealId !== appealId) this.#tell("appeal");
  }

  takeBoard(message) {
    this.board.take(message, Date.now());
    this.#tell("board");
  }

  takePhone(phone) {
    this.phone = phone;
    this.#tell("phone");
  }

  takeLine(line) {
    if (this.line === line) return;
    this.line = line;
    this.#tell("line");
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
