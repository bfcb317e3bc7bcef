// The live board. Rows keep their place; numbers change in place; text is only ever text.
import { html } from "../base/fetching.js";
import { clock } from "../base/clock.js";
import { Board } from "./board_state.js";

const page = document.getElementById("board");
const texts = listed("texts", "key");
const people = listed("people", "login");
const board = new Board();
const trouble = document.getElementById("trouble");
const KINDS = { free: "free", ringing: "due", talking: "talking", wrap_up: "due", paused: "rest", offline: "late" };

function listed(id, key) {
  return new Map([...document.querySelectorAll(`#${id} li`)].map((item) => [item.dataset[key], item.textContent]));
}

function cell(row, index, text, kind) {
  const at = row.cells[index] ?? row.insertCell();
  if (kind === undefined) {
    if (at.textContent !== text) at.textContent = text;
    return;
  }
  const mark = at.firstElementChild ?? at.appendChild(document.createElement("span"));
  mark.className = `state ${kind}`;
  if (mark.textContent !== text) mark.textContent = text;
}

function show(id, rows, nobody, columns) {
  const body = document.getElementById(id);
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  if (!rows.length) {
    body.replaceChildren();
    const none = body.insertRow().insertCell();
    none.colSpan = 5;
    none.className = "none";
    none.textContent = texts.get(nobody);
    return;
  }
  rows.forEach((row, index) => {
    let at = known.get(row.key);
    if (!at) {
      at = document.createElement("tr");
      at.dataset.key = row.key;
    }
    if (body.rows[index] !== at) body.insertBefore(at, body.rows[index] ?? null);
    columns(row).forEach(([text, kind], place) => cell(at, place, text, kind));
  });
  while (body.rows.length > rows.length) body.rows[body.rows.length - 1].remove();
}

const name = (login) => people.get(login) ?? login;
const citizen = (row) => [row.number ?? texts.get("withheld"), row.name].filter(Boolean).join(" · ");

// Why somebody is paused, or will be after the talk; a wrap-up has its name as a state.
function why({ state, reason }) {
  const told = state === "wrap_up" || reason === null ? null : texts.get(`reason_${reason}`) ?? reason;
  return told && told.charAt(0).toLowerCase() + told.slice(1);
}

function draw() {
  const now = board.now(Date.now());
  const { waiting, operators, calls } = board.sorted(name);
  document.getElementById("waiting-count").textContent = waiting.length;
  document.getElementById("longest").textContent = waiting.length ? clock(now - Math.min(...waiting.map((row) => row.since))) : "0:00";
  const free = operators.filter((row) => row.state === "free").length;
  document.getElementById("free-count").textContent = `${free} / ${operators.length}`;
  document.getElementById("calls-count").textContent = calls.length;
  show("waiting", waiting, "nobody_waits", (row) => [[String(row.position)], [row.line ?? ""], [citizen(row)], [clock(now - row.since)]]);
  show("operators", operators, "nobody_signed_in", (row) => [
    [name(row.login)],
    [[texts.get(row.state), why(row)].filter(Boolean).join(": "), KINDS[row.state]],
    [clock(now - row.since)],
  ]);
  show("calls", calls, "no_calls", (row) => [
    [row.line ?? ""],
    [citizen(row)],
    [texts.get(row.stage)],
    [row.parties.map(name).join(", ")],
    [clock(now - row.since)],
  ]);
}

function troubled(text) {
  trouble.hidden = !text;
  trouble.textContent = text ?? "";
}

// What has ended is in the figures a moment after it is in the stream; what has only grown older, by the minute.
const figures = document.getElementById("figures");
const SETTLED_MS = 2000;
const MINUTE_MS = 60_000;
let asking;

async function askFigures() {
  const drawn = await html(figures.dataset.from, { quiet: true }).catch(() => null);
  if (drawn !== null) figures.replaceChildren(drawn);
  asking = undefined;
}

function figuresSoon() {
  asking ??= setTimeout(askFigures, SETTLED_MS);
}

setInterval(figuresSoon, MINUTE_MS);

const source = new EventSource(page.dataset.live);
source.addEventListener("board", (event) => {
  board.take(JSON.parse(event.data), Date.now());
  troubled(board.up ? null : trouble.dataset.down);
  draw();
  figuresSoon();
});
let lost;
source.addEventListener("error", () => {
  // A stream ends every two minutes and begins again at once: only what lasts is worth a word.
  lost ??= setTimeout(() => troubled(trouble.dataset.lost), 3000);
});
source.addEventListener("open", () => {
  clearTimeout(lost);
  lost = undefined;
  troubled(board.up ? null : trouble.dataset.down);
});
setInterval(draw, 1000);
