// How pages write durations.
import assert from "node:assert/strict";
import test from "node:test";

import { clock } from "../../../contact_centre/console/base/clock.js";

test("minutes and seconds, and hours only when there are any", () => {
  const told = [[-5, "0:00"], [999, "0:00"], [42_000, "0:42"], [725_000, "12:05"], [3_599_999, "59:59"], [3_609_000, "1:00:09"]];
  for (const [ms, text] of told) assert.equal(clock(ms), text);
});
