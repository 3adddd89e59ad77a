import { expect, onTestFinished, test, vi } from "vitest";
import { RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";
import { rateLimitStoreContract } from "@openai-compat/core/store-contract";
import { createMemoryRateLimits, type RateWindow } from "./memory-rate-limits.ts";

rateLimitStoreContract("the memory rate limits", () => createMemoryRateLimits());

test("accounts that call no more are forgotten within two windows", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const windows = new Map<string, RateWindow>();
  const store = createMemoryRateLimits(windows);
  for (let account = 0; account < 100; account += 1) {
    await store.consume({ key: `requests:${account}`, points: 1, limit: 10 });
  }
  vi.advanceTimersByTime(RATE_LIMIT_WINDOW_MS);
  await store.consume({ key: "requests:ada", points: 1, limit: 10 });
  expect([...windows.keys()]).toEqual(["requests:ada"]);
});

test("a clock that is set back refuses no account for longer than a window, and forgets as before", async () => {
  vi.useFakeTimers({ now: 10 * RATE_LIMIT_WINDOW_MS });
  onTestFinished(() => void vi.useRealTimers());
  const windows = new Map<string, RateWindow>();
  const store = createMemoryRateLimits(windows);
  const use = { key: "requests:ada", points: 1, limit: 1 };
  await store.consume(use);
  await store.consume({ ...use, key: "requests:bob" });
  vi.setSystemTime(0);
  expect(await store.consume(use)).toEqual({ allowed: true, remaining: 0, resetMs: RATE_LIMIT_WINDOW_MS });
  expect(await store.consume(use)).toMatchObject({ allowed: false, resetMs: RATE_LIMIT_WINDOW_MS });
  expect([...windows.keys()]).toEqual(["requests:ada"]);
});
