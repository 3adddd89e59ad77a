import { expect, test } from "vitest";
import { decodeRetryAfter } from "./retry-after.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const read = (headers: Record<string, string | string[]>) => decodeRetryAfter(headers, NOW);

test("seconds, dates and milliseconds are understood, the finest first", () => {
  expect(read({ "retry-after": "7" })).toBe(7000);
  expect(read({ "retry-after": "0.25" })).toBe(250);
  expect(read({ "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" })).toBe(30_000);
  expect(read({ "retry-after": "7", "retry-after-ms": "6543.2" })).toBe(6544);
});

test("a wait lies between nothing and ten minutes", () => {
  expect(read({ "retry-after": "Thu, 01 Jan 2015 00:00:30 GMT" })).toBe(0);
  expect(read({ "retry-after": "86400" })).toBe(600_000);
});

test("a malformed value is ignored", () => {
  for (const header of ["", "soon", "-5x", "Infinity"]) expect(read({ "retry-after": header })).toBeUndefined();
  expect(read({ "retry-after": ["1", "2"] })).toBeUndefined();
  expect(read({})).toBeUndefined();
});
