/** The suite that every `RateLimitStore` passes. Import it from a test file only. */

import { afterEach, expect, test, vi } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import { RATE_LIMIT_WINDOW_MS } from "./rate-limit-store.ts";
import type { RateLimitStore } from "./rate-limit-store.ts";

type Open = () => Promise<RateLimitStore>;

/** @param makeStore opens a store without any counters each time. */
export function rateLimitStoreContract(name: string, makeStore: () => RateLimitStore | Promise<RateLimitStore>): void {
  const open = openForEachTest(makeStore);
  afterEach(() => void vi.restoreAllMocks());

  testUses(name, open);
  testCorrections(name, open);
  testWindows(name, open);
}

function testUses(name: string, open: Open): void {
  test(`${name} counts down to nothing, says when the window ends, and then refuses`, async () => {
    const store = await open();
    for (const remaining of [2, 1, 0]) {
      const outcome = await store.consume({ key: "requests:ada", points: 1, limit: 3 });
      expect(outcome).toMatchObject({ allowed: true, remaining });
      expect(outcome.resetMs).toBeGreaterThan(0);
      expect(outcome.resetMs).toBeLessThanOrEqual(60_000);
    }
    expect(await store.consume({ key: "requests:ada", points: 1, limit: 3 })).toMatchObject({
      allowed: false,
      remaining: 0,
    });
  });

  test(`${name} takes nothing when not everything fits`, async () => {
    const store = await open();
    await store.consume({ key: "tokens:ada", points: 60, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 41, limit: 100 })).toMatchObject({
      allowed: false,
      remaining: 40,
    });
    expect(await store.consume({ key: "tokens:ada", points: 40, limit: 100 })).toMatchObject({ allowed: true });
  });

  test(`${name} counts each key for itself`, async () => {
    const store = await open();
    await store.consume({ key: "requests:ada", points: 1, limit: 1 });
    expect(await store.consume({ key: "requests:bob", points: 1, limit: 1 })).toMatchObject({ allowed: true });
  });

  test(`${name} lets exactly as many through as fit, however many come at once`, async () => {
    const store = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => store.consume({ key: "requests:ada", points: 1, limit: 7 })),
    );
    expect(outcomes.filter(({ allowed }) => allowed)).toHaveLength(7);
  });

  test(`${name} refuses what is larger than the limit, and counts far beyond 32 bits`, async () => {
    const store = await open();
    const use = { key: "tokens:ada", points: 1, limit: 1e15 };
    const tooMuch = await store.consume({ ...use, points: Number.MAX_SAFE_INTEGER });
    expect(tooMuch).toEqual({ allowed: false, remaining: 1e15, resetMs: 0 });
    expect(await store.consume({ ...use, points: 1e15 - 1 })).toMatchObject({ allowed: true, remaining: 1 });
    expect(await store.consume(use)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await store.consume(use)).toMatchObject({ allowed: false, remaining: 0 });
  });

  test(`${name} takes a key of 400 characters`, async () => {
    const store = await open();
    const use = { key: `tokens:${"ü".repeat(393)}`, points: 1, limit: 2 };
    await store.consume(use);
    expect(await store.consume(use)).toMatchObject({ allowed: true, remaining: 0 });
  });
}

function testCorrections(name: string, open: Open): void {
  test(`${name} gives back what was taken and not used, and no more`, async () => {
    const store = await open();
    await store.consume({ key: "tokens:ada", points: 80, limit: 100 });
    await store.correct({ key: "tokens:ada", points: -30, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 0, limit: 100 })).toMatchObject({ remaining: 50 });
    await store.correct({ key: "tokens:ada", points: -1000, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 0, limit: 100 })).toMatchObject({ remaining: 100 });
  });

  test(`${name} takes what was used beyond what was taken, even beyond the limit`, async () => {
    const store = await open();
    await store.consume({ key: "tokens:ada", points: 80, limit: 100 });
    await store.correct({ key: "tokens:ada", points: 50, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 1, limit: 100 })).toMatchObject({
      allowed: false,
      remaining: 0,
    });
  });

  test(`${name} corrects nothing in a window that has not begun`, async () => {
    const store = await open();
    await store.correct({ key: "tokens:ada", points: -50, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 0, limit: 100 })).toMatchObject({ remaining: 100 });
  });

  test(`${name} never lets a gift be used: what is given back beyond what was taken is gone`, async () => {
    const store = await open();
    await store.consume({ key: "tokens:ada", points: 10, limit: 100 });
    await store.correct({ key: "tokens:ada", points: -70, limit: 100 });
    expect(await store.consume({ key: "tokens:ada", points: 100, limit: 100 })).toMatchObject({ remaining: 0 });
    expect(await store.consume({ key: "tokens:ada", points: 1, limit: 100 })).toMatchObject({ allowed: false });
  });
}

function testWindows(name: string, open: Open): void {
  test(`${name} starts again when the window has ended, counted from its first use`, async () => {
    const store = await open();
    const use = { key: "requests:ada", points: 1, limit: 2 };
    setClockForward(0);
    expect(await store.consume(use)).toEqual({ allowed: true, remaining: 1, resetMs: RATE_LIMIT_WINDOW_MS });
    setClockForward(RATE_LIMIT_WINDOW_MS - 1000);
    expect(await store.consume(use)).toEqual({ allowed: true, remaining: 0, resetMs: 1000 });
    expect(await store.consume(use)).toEqual({ allowed: false, remaining: 0, resetMs: 1000 });
    setClockForward(1000);
    expect(await store.consume(use)).toEqual({ allowed: true, remaining: 1, resetMs: RATE_LIMIT_WINDOW_MS });
  });

  test(`${name} looks without taking and without starting a window`, async () => {
    const store = await open();
    const look = { key: "tokens:ada", points: 0, limit: 100 };
    setClockForward(0);
    expect(await store.consume(look)).toEqual({ allowed: true, remaining: 100, resetMs: 0 });
    setClockForward(500);
    await store.consume({ ...look, points: 30 });
    setClockForward(500);
    expect(await store.consume(look)).toEqual({ allowed: true, remaining: 70, resetMs: RATE_LIMIT_WINDOW_MS - 500 });
    setClockForward(RATE_LIMIT_WINDOW_MS);
    expect(await store.consume(look)).toEqual({ allowed: true, remaining: 100, resetMs: 0 });
  });

  test(`${name} corrects nothing in a window that has ended`, async () => {
    const store = await open();
    const use = { key: "tokens:ada", points: 60, limit: 100 };
    setClockForward(0);
    await store.consume(use);
    setClockForward(RATE_LIMIT_WINDOW_MS);
    await store.correct(use);
    await store.correct({ ...use, points: -60 });
    expect(await store.consume({ ...use, points: 100 })).toMatchObject({ allowed: true, remaining: 0 });
    expect(await store.consume({ ...use, points: 1 })).toMatchObject({ allowed: false, remaining: 0 });
  });
}

/** From now on the clock stands still, this much later than it was. */
function setClockForward(byMs: number): void {
  const nowMs = Date.now() + byMs;
  vi.spyOn(Date, "now").mockReturnValue(nowMs);
}
