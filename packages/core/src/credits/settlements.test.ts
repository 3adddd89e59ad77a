import { expect, onTestFinished, test, vi } from "vitest";
import type { ResolveOutcome } from "../store/credit-store.ts";
import { SETTLEMENT_DRAIN_MS_MAX, SETTLEMENT_WAIT_MS_MAX, createSettlements } from "./settlements.ts";

const EXPIRES_AFTER_MS = 60_000;

function setUp() {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const onPending = vi.fn();
  const onLost = vi.fn();
  const settlements = createSettlements({ now: Date.now, onPending, onLost });
  const expiresAtMs = Date.now() + EXPIRES_AFTER_MS;
  const resolve = (attempt: () => Promise<ResolveOutcome>) =>
    settlements.resolve({ requestId: "req_1", attempt, expiresAtMs });
  return { settlements, resolve, onPending, onLost };
}

const fails = () => Promise.reject(new Error("down"));

test("a settlement that the store takes ends at once", async () => {
  const { settlements, resolve, onPending, onLost } = setUp();
  await resolve(async () => "resolved");
  await vi.advanceTimersByTimeAsync(0);
  expect(settlements.pending).toBe(0);
  expect([onPending.mock.calls, onLost.mock.calls]).toEqual([[], []]);
});

test("a store that is down for a while is asked until it takes the settlement, and the caller waits for a second", async () => {
  const { settlements, resolve, onPending, onLost } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>(fails);
  const waited = resolve(attempt);
  const startedAtMs = Date.now();
  await vi.advanceTimersByTimeAsync(SETTLEMENT_WAIT_MS_MAX);
  await waited;
  expect(Date.now() - startedAtMs).toBe(SETTLEMENT_WAIT_MS_MAX);
  expect(settlements.pending).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  const failed = attempt.mock.calls.length;
  attempt.mockResolvedValue("resolved");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(attempt).toHaveBeenCalledTimes(failed + 1);
  expect(settlements.pending).toBe(0);
  expect(onPending).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "billing_unavailable" }), "req_1");
  expect(onLost).not.toHaveBeenCalled();
});

test("the pauses grow, so that a store that is down is not flooded", async () => {
  const { resolve } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>(fails);
  void resolve(attempt);
  await vi.advanceTimersByTimeAsync(EXPIRES_AFTER_MS - 1);
  expect(attempt.mock.calls.length).toBeLessThan(10);
});

test("a store that hangs is not waited for", async () => {
  const { settlements, resolve } = setUp();
  const waited = resolve(() => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(SETTLEMENT_WAIT_MS_MAX);
  await waited;
  expect(settlements.pending).toBe(1);
});

test("when the hold has expired it is given up and reported", async () => {
  const { settlements, resolve, onLost } = setUp();
  void resolve(fails);
  await vi.advanceTimersByTimeAsync(EXPIRES_AFTER_MS + 30_000);
  expect(settlements.pending).toBe(0);
  expect(onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "billing_unavailable" }), "req_1");
});

test("a hold that is gone was settled by an attempt whose answer was lost; without one it had expired", async () => {
  const { resolve, onLost } = setUp();
  const lost = resolve(
    vi.fn<() => Promise<ResolveOutcome>>().mockRejectedValueOnce(new Error("lost")).mockResolvedValue("gone"),
  );
  await vi.advanceTimersByTimeAsync(1000);
  await lost;
  expect(onLost).not.toHaveBeenCalled();
  await resolve(async () => "gone");
  expect(onLost).toHaveBeenCalledTimes(1);
});

test("at the shutdown what is pending is tried again at once", async () => {
  const { settlements, resolve, onLost } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>(fails);
  void resolve(attempt);
  await vi.advanceTimersByTimeAsync(20_000);
  attempt.mockResolvedValue("resolved");
  await settlements.close();
  expect(settlements.pending).toBe(0);
  expect(onLost).not.toHaveBeenCalled();
});

test("the shutdown waits for a bounded time, then what can't be settled is reported", async () => {
  const { settlements, resolve, onLost } = setUp();
  void resolve(fails);
  void resolve(() => new Promise(() => {}));
  const closed = settlements.close();
  await vi.advanceTimersByTimeAsync(SETTLEMENT_DRAIN_MS_MAX);
  await closed;
  await vi.advanceTimersByTimeAsync(0);
  expect(onLost).toHaveBeenCalledTimes(1);
});
