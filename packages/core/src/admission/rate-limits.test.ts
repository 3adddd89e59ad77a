import { expect, test, vi } from "vitest";
import { RATE_LIMIT_WINDOW_MS } from "../store/rate-limit-store.ts";
import type { RateLimitStore } from "../store/rate-limit-store.ts";
import { createRateLimits } from "./rate-limits.ts";
import type { AccountLimits } from "./rate-limits.ts";

/** A store that has so much left and says so, whatever the key. */
function setUp(limits: Partial<AccountLimits>, left = { allowed: true, remaining: 3, resetMs: 7200 }) {
  const store = {
    consume: vi.fn<RateLimitStore["consume"]>(async () => left),
    correct: vi.fn<RateLimitStore["correct"]>(async () => {}),
    close: async () => {},
  };
  const limitsOf = vi.fn(() => ({ requestsPerMinute: null, tokensPerMinute: null, ...limits }));
  const onFacts = vi.fn();
  const clock = { ms: 0 };
  return { ...createRateLimits({ store, limitsOf, now: () => clock.ms }), store, limitsOf, onFacts, clock };
}

test("an account without limits asks no store", async () => {
  const { takeRequest, takeTokens, store, onFacts, limitsOf } = setUp({});
  await takeRequest("ada", onFacts);
  await (
    await takeTokens("ada", 10, onFacts)
  )(4);
  expect(store.consume).not.toHaveBeenCalled();
  expect(store.correct).not.toHaveBeenCalled();
  expect(onFacts).not.toHaveBeenCalled();
  expect(limitsOf).toHaveBeenCalledWith("ada");
});

test("a request counts one and tokens count what the call may use, each against its own limit", async () => {
  const { takeRequest, takeTokens, store, onFacts } = setUp({ requestsPerMinute: 5, tokensPerMinute: 100 });
  await takeRequest("ada", onFacts);
  await takeTokens("ada", 40, onFacts);
  expect(store.consume.mock.calls).toEqual([
    [{ key: "requests:ada", points: 1, limit: 5 }],
    [{ key: "tokens:ada", points: 40, limit: 100 }],
  ]);
  expect(onFacts.mock.calls).toEqual([
    ["requests", { limit: 5, remaining: 3, resetMs: 7200 }],
    ["tokens", { limit: 100, remaining: 3, resetMs: 7200 }],
  ]);
});

test.each([
  [15, [[{ key: "tokens:ada", points: -25, limit: 100 }]]],
  [55, [[{ key: "tokens:ada", points: 15, limit: 100 }]]],
  [40, []],
])("of 40 tokens that were taken and %i that were used the difference is corrected", async (used, corrections) => {
  const { takeTokens, store, onFacts } = setUp({ tokensPerMinute: 100 });
  await (
    await takeTokens("ada", 40, onFacts)
  )(used);
  expect(store.correct.mock.calls).toEqual(corrections);
});

test.each([
  ["what a call did not use is given back in its own window", 10, 7199, -30],
  ["what a call did not use is not given back in a later window, which took nothing", 10, 7200, null],
  ["what a call used beyond that counts when it ends, in a later window too", 55, 7200, 15],
])("%s", async (_case, used, afterMs, points) => {
  const { takeTokens, store, onFacts, clock } = setUp({ tokensPerMinute: 100 });
  clock.ms = 1000;
  const correct = await takeTokens("ada", 40, onFacts);
  clock.ms += afterMs;
  await correct(used);
  expect(store.correct.mock.calls).toEqual(points === null ? [] : [[{ key: "tokens:ada", points, limit: 100 }]]);
});

const none = { allowed: false, remaining: 1, resetMs: 7200 };

test("a refusal has OpenAI's words, the figures, and when to try again; the caller's headers get them too", async () => {
  const { takeRequest, onFacts } = setUp({ requestsPerMinute: 5 }, none);
  await expect(takeRequest("ada", onFacts)).rejects.toMatchObject({
    code: "rate_limited",
    retryAfterMs: 7200,
    message: "Rate limit reached for requests per minute (RPM): Limit 5, Used 4, Requested 1. Please try again in 8s.",
  });
  expect(onFacts).toHaveBeenCalledExactlyOnceWith("requests", { limit: 5, remaining: 1, resetMs: 7200 });
});

test("tokens that fit into the limit are worth waiting for, also when they fill it", async () => {
  const { takeTokens, onFacts } = setUp({ tokensPerMinute: 100 }, none);
  await expect(takeTokens("ada", 100, onFacts)).rejects.toMatchObject({
    retryAfterMs: 7200,
    message:
      "Rate limit reached for tokens per minute (TPM): Limit 100, Used 99, Requested 100. Please try again in 8s.",
  });
});

test("tokens beyond the whole limit can only be made fewer, and a client that waits anyway waits for a window", async () => {
  const { takeTokens, onFacts } = setUp({ tokensPerMinute: 100 }, none);
  await expect(takeTokens("ada", 101, onFacts)).rejects.toMatchObject({
    retryAfterMs: RATE_LIMIT_WINDOW_MS,
    message: expect.stringMatching(/Requested 101\. This request alone is larger than the limit: shorten it/),
  });
});

test("a store that fails makes the limits unavailable for a second, with why for the operator", async () => {
  const { takeRequest, store, onFacts } = setUp({ requestsPerMinute: 5 });
  const cause = new Error("connection lost");
  store.consume.mockRejectedValue(cause);
  await expect(takeRequest("ada", onFacts)).rejects.toMatchObject({
    code: "limits_unavailable",
    message: expect.stringContaining("can't be checked right now"),
    retryAfterMs: 1000,
    cause,
  });
  expect(onFacts).not.toHaveBeenCalled();
});
