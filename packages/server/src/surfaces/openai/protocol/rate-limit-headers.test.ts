import { expect, test } from "vitest";
import { encodeDuration, setRateLimitHeaders } from "./rate-limit-headers.ts";

test.each([
  [0, "0s"],
  [0.2, "1ms"],
  [20, "20ms"],
  [1000, "1s"],
  [59_700, "59.7s"],
  [60_000, "1m0s"],
  [90_250, "1m30.25s"],
])("%d ms are written as %s", (durationMs, text) => {
  expect(encodeDuration(durationMs)).toBe(text);
});

test("a limit is sent in three headers", () => {
  const headers = {};
  setRateLimitHeaders(headers, "tokens", { limit: 100, remaining: 40, resetMs: 12_000 });
  expect(headers).toEqual({
    "x-ratelimit-limit-tokens": "100",
    "x-ratelimit-remaining-tokens": "40",
    "x-ratelimit-reset-tokens": "12s",
  });
});
