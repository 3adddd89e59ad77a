/**
 * Random sequences of calls to a credit store, beside a model that is too simple to be wrong. Import it from a test
 * only.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { CreditStore } from "./credit-store.ts";
import { makeGrant, makeHold, makeSettlement, sumOfEntries } from "./credit-store-samples.ts";

const RUNS = 40;
const STEPS_MAX = 40;
const ACCOUNTS = ["ada", "bob"] as const;
const HOLDS = ["h1", "h2", "h3", "h4"] as const;

/** Small numbers, so that amounts meet and overstep each other often. */
const amount = fc.integer({ min: 0, max: 12 });
const time = fc.integer({ min: 0, max: 20 });

const step = fc.oneof(
  fc.record({
    kind: fc.constant("grant" as const),
    id: fc.integer({ min: 0, max: 30 }).map(String),
    accountId: fc.constantFrom(...ACCOUNTS),
    amount: fc.integer({ min: -12, max: 25 }),
  }),
  fc.record({
    kind: fc.constant("hold" as const),
    id: fc.constantFrom(...HOLDS),
    accountId: fc.constantFrom(...ACCOUNTS),
    amount,
    expiresAtMs: time,
  }),
  fc.record({
    kind: fc.constant("settle" as const),
    holdId: fc.constantFrom(...HOLDS),
    accountId: fc.constantFrom(...ACCOUNTS),
    amount,
  }),
  fc.record({ kind: fc.constant("void" as const), holdId: fc.constantFrom(...HOLDS) }),
  fc.record({ kind: fc.constant("expire" as const), nowMs: time }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** What a step came to: its outcome, or that it was refused with an error. */
const REFUSED = "refused";

export function creditStoreProperties(name: string, open: () => Promise<CreditStore>): void {
  test(`${name} does what a ten-line model does, whatever comes after what`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
        const store = await open();
        const model = createModel();
        for (const next of steps) {
          const outcome = await applyToStore(store, next).catch(() => REFUSED);
          expect(outcome).toEqual(model.apply(next));
          for (const accountId of ACCOUNTS) {
            const { balance, held } = await store.readBalance(accountId);
            expect({ balance, held }).toEqual(model.read(accountId));
            expect(held).toBeGreaterThanOrEqual(0);
            expect(balance).toBeGreaterThanOrEqual(held);
            expect(await sumOfEntries(store, accountId)).toBe(balance);
          }
        }
        await store.close();
      }),
      { numRuns: RUNS },
    );
  });

  test(`${name} keeps every invariant when the same calls come at once`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
        const store = await open();
        await Promise.allSettled(steps.map((next) => applyToStore(store, next)));
        await store.expireHolds(Number.MAX_SAFE_INTEGER);
        for (const accountId of ACCOUNTS) {
          const { balance, held } = await store.readBalance(accountId);
          expect(held).toBe(0);
          expect(balance).toBeGreaterThanOrEqual(0);
          expect(await sumOfEntries(store, accountId)).toBe(balance);
        }
        await store.close();
      }),
      { numRuns: RUNS },
    );
  });
}

async function applyToStore(store: CreditStore, next: Step): Promise<unknown> {
  switch (next.kind) {
    case "grant":
      return store.grant(makeGrant(next));
    case "hold":
      return (await store.hold(makeHold(next))).held;
    case "settle":
      return store.settle(makeSettlement(next));
    case "void":
      return store.void(next.holdId);
    case "expire":
      return store.expireHolds(next.nowMs);
  }
}

interface Model {
  apply(next: Step): unknown;
  read(accountId: string): { readonly balance: number; readonly held: number };
}

function createModel(): Model {
  const granted = new Set<string>();
  const balances = new Map<string, number>();
  const holds = new Map<
    string,
    { readonly accountId: string; readonly amount: number; readonly expiresAtMs: number }
  >();
  const read = (accountId: string) => {
    const own = [...holds.values()].filter((hold) => hold.accountId === accountId);
    return { balance: balances.get(accountId) ?? 0, held: own.reduce((sum, hold) => sum + hold.amount, 0) };
  };
  const available = (accountId: string) => read(accountId).balance - read(accountId).held;
  const change = (accountId: string, by: number) => balances.set(accountId, read(accountId).balance + by);
  const apply = (next: Step): unknown => {
    switch (next.kind) {
      case "grant":
        if (next.amount === 0) return REFUSED;
        if (!granted.has(next.id)) {
          if (available(next.accountId) + next.amount < 0) return REFUSED;
          granted.add(next.id);
          change(next.accountId, next.amount);
        }
        return read(next.accountId);
      case "hold":
        if (next.amount === 0) return REFUSED;
        if (available(next.accountId) < next.amount) return false;
        if (holds.has(next.id)) return REFUSED;
        holds.set(next.id, next);
        return true;
      case "settle": {
        const hold = holds.get(next.holdId);
        if (hold === undefined) return "gone";
        if (hold.accountId !== next.accountId || hold.amount < next.amount) return REFUSED;
        holds.delete(next.holdId);
        change(next.accountId, -next.amount);
        return "resolved";
      }
      case "void":
        return holds.delete(next.holdId) ? "resolved" : "gone";
      case "expire": {
        const due = [...holds].filter(([, hold]) => hold.expiresAtMs <= next.nowMs);
        for (const [id] of due) holds.delete(id);
        return due.length;
      }
    }
  };
  return { apply, read };
}
