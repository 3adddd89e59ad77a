import { expect, test } from "vitest";
import { isDuration } from "./rate-limit.ts";

test.each(["1s", "6m0s", "20ms", "59.8s", "1h30m", "0s", "1h0m3.25s", "6ms"])("%s is a duration", (text) => {
  expect(isDuration(text)).toBe(true);
});

test.each(["", "60", "s", "1 s", "-1s", "1s6m", "1d", "1.5m", "2026-01-01T00:00:00Z"])("%j is no duration", (text) => {
  expect(isDuration(text)).toBe(false);
});
