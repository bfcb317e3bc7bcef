// What a refusal is to a page: an answer that stands, or something to be tried again.
import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { getElementById: () => null, querySelector: () => null, body: { dataset: { login: "olena" } } };
const { Told, Unreachable, post } = await import("../../../contact_centre/console/base/fetching.js");

function answering(status, told) {
  globalThis.fetch = async () => new Response(JSON.stringify(told), { status });
}

test("a refusal says why, and stands", async () => {
  answering(422, { message: "Немає категорії" });
  await assert.rejects(post("/save", {}), (error) => error instanceof Told && error.message === "Немає категорії");
});

test("a fault of the service is no answer: what was sent is sent again", async () => {
  for (const status of [500, 502, 503]) {
    answering(status, {});
    await assert.rejects(post("/save", {}), Unreachable);
  }
});
