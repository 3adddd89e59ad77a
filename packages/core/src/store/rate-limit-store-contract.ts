/** The suite that every `RateLimitStore` passes. Import it from a test file only. */

import { afterEach, expect, test } from "vitest";
import type { RateLimitStore } from "./rate-limit-store.ts";

/** @param makeStore opens a store without any counters each time. */
export function rateLimitStoreContract(name: string, makeStore: () => RateLimitStore | Promise<RateLimitStore>): void {
  const opened: RateLimitStore[] = [];
  const open = async () => {
    const store = await makeStore();
    opened.push(store);
    return store;
  };

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

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

  test(`${name} lets exactly as many through as fit, however many come at once`, async () => {
    const store = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => store.consume({ key: "requests:ada", points: 1, limit: 7 })),
    );
    expect(outcomes.filter(({ allowed }) => allowed)).toHaveLength(7);
  });
}
