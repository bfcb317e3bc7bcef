// What the board knows: rows of three tables, and by how much this browser's clock differs from the service's. Pure.
export class Board {
  constructor() {
    this.up = true;
    this.tables = { waiting: new Map(), operators: new Map(), calls: new Map() };
    this.offset = 0;
  }

  // A message of the stream, received at `here` (milliseconds of this browser's clock).
  take(message, here) {
    this.up = message.up;
    this.offset = message.now - here;
    if (message.fresh) for (const table of Object.values(this.tables)) table.clear();
    for (const [table, key, row] of message.rows) {
      if (row === null) this.tables[table].delete(key);
      else this.tables[table].set(key, { ...row, key });
    }
  }

  // The service's time when this browser's clock says `here`.
  now(here) {
    return here + this.offset;
  }

  // Rows in the order in which they stand: by place, by name, by age.
  sorted(name) {
    const { waiting, operators, calls } = this.tables;
    return {
      waiting: [...waiting.values()].sort((a, b) => a.position - b.position),
      operators: [...operators.values()].sort((a, b) => name(a.login).localeCompare(name(b.login), "uk")),
      calls: [...calls.values()].sort((a, b) => a.since - b.since || a.key.localeCompare(b.key)),
    };
  }
}
