import { expect, onTestFinished, test, vi } from "vitest";
import type { ResolveOutcome } from "../store/credit-store.ts";
import { SETTLEMENT_DRAIN_MS_MAX, SETTLEMENT_WAIT_MS_MAX, createSettlements, within } from "./settlements.ts";

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

test("when the hold has expired it is given up and reported with why", async () => {
  const { settlements, resolve, onLost } = setUp();
  void resolve(fails);
  await vi.advanceTimersByTimeAsync(EXPIRES_AFTER_MS + 30_000);
  expect(settlements.pending).toBe(0);
  const lost = {
    code: "billing_unavailable",
    message: expect.stringContaining("can't be changed"),
    cause: new Error("down"),
  };
  expect(onLost).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(lost), "req_1");
});

test("a failure at the moment at which the hold expires is the last", async () => {
  const { settlements, resolve, onLost } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>();
  attempt.mockImplementation(async () => {
    vi.setSystemTime(Date.now() + EXPIRES_AFTER_MS);
    throw new Error("down");
  });
  await resolve(attempt);
  expect(attempt).toHaveBeenCalledTimes(1);
  expect(onLost).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(settlements.pending).toBe(0);
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
  const cause = new Error("The hold had expired before the call was settled.");
  expect(onLost).toHaveBeenLastCalledWith(expect.objectContaining({ cause }), "req_1");
});

test.each([
  [0, 1],
  [1, 0],
])("a hold that is gone %i ms before it expires, after a failure, is reported %i times", async (beforeMs, reports) => {
  const { resolve, onLost } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>();
  attempt.mockRejectedValueOnce(new Error("lost")).mockImplementation(async () => {
    vi.setSystemTime(expiresAtMs - beforeMs);
    return "gone";
  });
  const expiresAtMs = Date.now() + EXPIRES_AFTER_MS;
  const resolved = resolve(attempt);
  await vi.advanceTimersByTimeAsync(1000);
  await resolved;
  expect(onLost).toHaveBeenCalledTimes(reports);
});

test("what work throws in time comes out, and no timer stays behind", async () => {
  setUp();
  await expect(within(Promise.reject(new Error("broke")), 1000)).rejects.toThrow("broke");
  await expect(within(Promise.resolve(), 1000)).resolves.toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
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
  expect(vi.getTimerCount()).toBe(0);
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

test("during the shutdown the store is asked again at least twice a second", async () => {
  const { settlements, resolve } = setUp();
  const attempt = vi.fn<() => Promise<ResolveOutcome>>(fails);
  void resolve(attempt);
  await vi.advanceTimersByTimeAsync(20_000);
  attempt.mockClear();
  const closed = settlements.close();
  await vi.advanceTimersByTimeAsync(SETTLEMENT_DRAIN_MS_MAX - 1);
  expect(attempt.mock.calls.length).toBeGreaterThanOrEqual(10);
  expect(attempt.mock.calls.length).toBeLessThan(20);
  await vi.advanceTimersByTimeAsync(1);
  await closed;
});

test("after the shutdown nothing is tried again: neither what paused nor what hung until then", async () => {
  const { settlements, resolve, onLost } = setUp();
  const pausing = vi.fn<() => Promise<ResolveOutcome>>(fails);
  const hung = Promise.withResolvers<ResolveOutcome>();
  const hanging = vi.fn(() => hung.promise);
  void resolve(pausing);
  void resolve(hanging);
  const closed = settlements.close();
  await vi.advanceTimersByTimeAsync(SETTLEMENT_DRAIN_MS_MAX - 1);
  pausing.mockClear();
  await vi.advanceTimersByTimeAsync(1);
  await closed;
  hung.reject(new Error("down"));
  await vi.advanceTimersByTimeAsync(SETTLEMENT_DRAIN_MS_MAX);
  expect(pausing).not.toHaveBeenCalled();
  expect(hanging).toHaveBeenCalledTimes(1);
  expect(onLost).toHaveBeenCalledTimes(2);
  expect(settlements.pending).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a pause does not keep the process alive: a graceful stop waits for pending settlements", async () => {
  const { settlements, resolve } = setUp();
  const timers = vi.spyOn(globalThis, "setTimeout");
  void resolve(fails);
  await vi.advanceTimersByTimeAsync(0);
  expect(timers.mock.results.map(({ value }) => value.hasRef())).toContain(false);
  const closed = settlements.close();
  await vi.advanceTimersByTimeAsync(SETTLEMENT_DRAIN_MS_MAX);
  await closed;
});
