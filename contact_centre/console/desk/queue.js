// Who waits: rows keep their place, times change in place.
import { clock } from "../base/clock.js";
import { text, write } from "./parts.js";

const LATE_MS = 60_000;
const MOST = 8;

export function mount(desk) {
  const body = document.getElementById("queue");
  const draw = () => {
    const waiting = [...desk.board.tables.waiting.values()].sort((a, b) => a.position - b.position);
    write(document.getElementById("queue-count"), String(waiting.length));
    document.getElementById("queue-empty").hidden = waiting.length > 0;
    const shown = waiting.slice(0, MOST);
    while (body.rows.length > shown.length) body.deleteRow(-1);
    shown.forEach((one, index) => {
      const row = body.rows[index] ?? body.insertRow();
      while (row.cells.length < 2) row.insertCell();
      const waited = desk.now - one.since;
      row.className = waited > LATE_MS ? "late" : "";
      row.cells[0].className = "figures";
      write(row.cells[0], clock(waited));
      write(row.cells[1], one.number ?? text("withheld"));
    });
  };
  desk.addEventListener("board", draw);
  setInterval(draw, 1000);
}
