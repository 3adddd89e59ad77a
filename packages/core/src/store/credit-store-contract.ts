/**
 * The suite that every `CreditStore` passes: what the interface promises, as tests. Import it from a test file only.
 */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { CreditStore } from "./credit-store.ts";
import { creditStoreProperties } from "./credit-store-properties-contract.ts";
import { LARGEST, makeGrant, makeHold, makeSettlement, makeUsage, sumOfEntries } from "./credit-store-samples.ts";

export interface CreditStoreContractOptions {
  /** Two connections to one empty store, for stores that outlive a connection. */
  readonly openPair?: () => Promise<readonly [CreditStore, CreditStore]>;
}

type Open = () => Promise<CreditStore>;

/** @param makeStore opens an empty store of its own each time. */
export function creditStoreContract(
  name: string,
  makeStore: () => CreditStore | Promise<CreditStore>,
  options: CreditStoreContractOptions = {},
): void {
  const open = openForEachTest(makeStore);

  testHolds(name, open);
  testResolutions(name, open);
  testExpiry(name, open);
  testGrants(name, open);
  testLedger(name, open);
  testRefusals(name, open);
  creditStoreProperties(name, open);
  const { openPair } = options;
  if (openPair === undefined) return;
  const openBoth = openForEachTest(async () => {
    const pair = await openPair();
    const close = async () => {
      for (const store of pair) await store.close();
    };
    return { pair, close };
  });
  testPair(name, async () => (await openBoth()).pair);
}

function testHolds(name: string, open: Open): void {
  test(`${name} has nothing for an account that was never granted anything`, async () => {
    const store = await open();
    expect(await store.readBalance("ada")).toEqual({ balance: 0, held: 0 });
    expect(await store.hold(makeHold({ amount: 1 }))).toEqual({ held: false, available: 0 });
    expect(await store.readBalance("ada")).toEqual({ balance: 0, held: 0 });
  });

  test(`${name} holds exactly all that is available, and then not one more`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    expect(await store.hold(makeHold({ id: "a", amount: 101 }))).toEqual({ held: false, available: 100 });
    expect(await store.hold(makeHold({ id: "b", amount: 60 }))).toEqual({ held: true });
    expect(await store.hold(makeHold({ id: "c", amount: 41 }))).toEqual({ held: false, available: 40 });
    expect(await store.hold(makeHold({ id: "d", amount: 40 }))).toEqual({ held: true });
    expect(await store.hold(makeHold({ id: "e", amount: 1 }))).toEqual({ held: false, available: 0 });
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 100 });
  });

  test(`${name} holds for one account what another has in vain`, async () => {
    const store = await open();
    await store.grant(makeGrant({ accountId: "bob", amount: 100 }));
    expect(await store.hold(makeHold({ accountId: "ada", amount: 1 }))).toEqual({ held: false, available: 0 });
    expect(await store.readBalance("bob")).toEqual({ balance: 100, held: 0 });
  });

  test(`${name} grants 10 of 200 parallel holds when 10 are affordable`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 109 }));
    const ids = Array.from({ length: 200 }, (_, number) => `hold-${number}`);
    const outcomes = await Promise.all(ids.map((id) => store.hold(makeHold({ id, amount: 10 }))));
    expect(outcomes.filter((outcome) => outcome.held)).toHaveLength(10);
    expect(await store.readBalance("ada")).toEqual({ balance: 109, held: 100 });
  });

  test(`${name} refuses a second hold with the same id`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ amount: 10 }));
    await expect(store.hold(makeHold({ amount: 20 }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 10 });
  });

  test(`${name} lets a call that fails beside others fail alone`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ id: "taken", amount: 10 }));
    const outcomes = await Promise.allSettled([
      store.hold(makeHold({ id: "before", amount: 10 })),
      store.hold(makeHold({ id: "taken", amount: 10 })),
      store.settle(makeSettlement({ holdId: "taken", amount: 11 })),
      store.hold(makeHold({ id: "after", amount: 10 })),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 30 });
  });
}

function testResolutions(name: string, open: Open): void {
  const withHold = async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ amount: 60, expiresAtMs: 5000 }));
    return store;
  };
  const ways = {
    settle: async (store: CreditStore) => (await store.settle(makeSettlement({ amount: 25 }))) === "resolved",
    void: async (store: CreditStore) => (await store.void("hold")) === "resolved",
    expire: async (store: CreditStore) => (await store.expireHolds(5000)) === 1,
  };
  const balanceAfter = { settle: 75, void: 100, expire: 100 };

  for (const first of ["settle", "void", "expire"] as const) {
    for (const second of ["settle", "void", "expire"] as const) {
      test(`${name} does nothing at a ${second} after a ${first}`, async () => {
        const store = await withHold();
        expect(await ways[first](store)).toBe(true);
        expect(await ways[second](store)).toBe(false);
        expect(await store.readBalance("ada")).toEqual({ balance: balanceAfter[first], held: 0 });
        expect(await sumOfEntries(store, "ada")).toBe(balanceAfter[first]);
      });

      test(`${name} resolves once when ${first} and ${second} race`, async () => {
        const store = await withHold();
        const won = await Promise.all([ways[first](store), ways[second](store)]);
        expect(won.filter(Boolean)).toHaveLength(1);
        const winner = won[0] ? first : second;
        expect(await store.readBalance("ada")).toEqual({ balance: balanceAfter[winner], held: 0 });
      });
    }
  }

  test(`${name} resolves no hold that never was`, async () => {
    const store = await withHold();
    expect(await store.void("other")).toBe("gone");
    expect(await store.settle(makeSettlement({ holdId: "other", amount: 1 }))).toBe("gone");
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 60 });
  });

  test.each([0, 60])(`${name} settles a hold of 60 for %i`, async (amount) => {
    const store = await withHold();
    expect(await store.settle(makeSettlement({ amount }))).toBe("resolved");
    expect(await store.readBalance("ada")).toEqual({ balance: 100 - amount, held: 0 });
    expect(await store.listEntries({ accountId: "ada", limit: 1 })).toMatchObject([
      { kind: "usage", amount: amount === 0 ? 0 : -amount },
    ]);
  });

  test(`${name} changes nothing when a call would cost more than its hold, or name another account`, async () => {
    const store = await withHold();
    await store.grant(makeGrant({ id: "bob's", accountId: "bob", amount: 100 }));
    await expect(store.settle(makeSettlement({ amount: 61 }))).rejects.toThrow();
    await expect(store.settle(makeSettlement({ accountId: "bob", amount: 1 }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 60 });
    expect(await store.readBalance("bob")).toEqual({ balance: 100, held: 0 });
    expect(await store.listEntries({ accountId: null, limit: 10 })).toHaveLength(2);
    expect(await store.settle(makeSettlement({ amount: 60 }))).toBe("resolved");
  });
}

function testExpiry(name: string, open: Open): void {
  test(`${name} expires holds at their millisecond, each once`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ id: "a", amount: 10, expiresAtMs: 5000 }));
    await store.hold(makeHold({ id: "b", amount: 20, expiresAtMs: 5000 }));
    await store.hold(makeHold({ id: "c", amount: 30, expiresAtMs: 5001 }));
    expect(await store.expireHolds(4999)).toBe(0);
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 60 });
    expect(await store.expireHolds(5000)).toBe(2);
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 30 });
    expect(await store.expireHolds(5000)).toBe(0);
    expect(await store.expireHolds(5001)).toBe(1);
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 0 });
    expect(await sumOfEntries(store, "ada")).toBe(100);
  });

  test(`${name} still settles a late call whose hold has not been expired yet`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ amount: 10, expiresAtMs: 5000 }));
    expect(await store.settle(makeSettlement({ amount: 10, nowMs: 6000 }))).toBe("resolved");
    expect(await store.readBalance("ada")).toEqual({ balance: 90, held: 0 });
  });

  test(`${name} expires the holds of a thousand calls that a crash left`, async () => {
    const store = await open();
    const accounts = ["ada", "bob", "eve"];
    for (const accountId of accounts) await store.grant(makeGrant({ id: accountId, accountId, amount: 5000 }));
    const numbers = Array.from({ length: 1200 }, (_, number) => number);
    await Promise.all(
      numbers.map((number) =>
        store.hold(makeHold({ id: `hold-${number}`, accountId: accounts[number % 3] ?? "", amount: 1 + (number % 5) })),
      ),
    );
    expect(await store.expireHolds(5000)).toBe(1200);
    for (const accountId of accounts) expect(await store.readBalance(accountId)).toEqual({ balance: 5000, held: 0 });
  });
}

function testGrants(name: string, open: Open): void {
  test(`${name} grants once under one id, whatever it is asked again`, async () => {
    const store = await open();
    expect(await store.grant(makeGrant({ amount: 100 }))).toEqual({ balance: 100, held: 0 });
    expect(await store.grant(makeGrant({ amount: 100 }))).toEqual({ balance: 100, held: 0 });
    expect(await store.grant(makeGrant({ amount: 7 }))).toEqual({ balance: 100, held: 0 });
    expect(await store.listEntries({ accountId: "ada", limit: 10 })).toHaveLength(1);
  });

  test(`${name} grants once when the same grant comes twenty times at once`, async () => {
    const store = await open();
    const twenty = Array.from({ length: 20 }, () => store.grant(makeGrant({ amount: 100 })));
    expect(await Promise.all(twenty)).toEqual(twenty.map(() => ({ balance: 100, held: 0 })));
    expect(await sumOfEntries(store, "ada")).toBe(100);
  });

  test(`${name} takes credits back down to what is held and no further`, async () => {
    const store = await open();
    await store.grant(makeGrant({ id: "1", amount: 100 }));
    await store.hold(makeHold({ amount: 30 }));
    await expect(store.grant(makeGrant({ id: "2", amount: -71 }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 30 });
    expect(await store.grant(makeGrant({ id: "2", amount: -70 }))).toEqual({ balance: 30, held: 30 });
    expect(await sumOfEntries(store, "ada")).toBe(30);
  });

  test(`${name} takes nothing from an account that has nothing`, async () => {
    const store = await open();
    await expect(store.grant(makeGrant({ amount: -1 }))).rejects.toThrow();
    expect(await store.listEntries({ accountId: null, limit: 10 })).toEqual([]);
  });

  test(`${name} counts exactly up to 2^53 - 1 and refuses more`, async () => {
    const store = await open();
    await store.grant(makeGrant({ id: "1", amount: LARGEST - 1 }));
    await expect(store.grant(makeGrant({ id: "2", amount: 2 }))).rejects.toThrow();
    expect(await store.grant(makeGrant({ id: "2", amount: 1 }))).toEqual({ balance: LARGEST, held: 0 });
    expect(await store.hold(makeHold({ id: "a", amount: LARGEST }))).toEqual({ held: true });
    expect(await store.hold(makeHold({ id: "b", amount: 1 }))).toEqual({ held: false, available: 0 });
    expect(await store.settle(makeSettlement({ holdId: "a", amount: LARGEST - 2 }))).toBe("resolved");
    expect(await store.readBalance("ada")).toEqual({ balance: 2, held: 0 });
    expect(await sumOfEntries(store, "ada")).toBe(2);
  });
}

function testLedger(name: string, open: Open): void {
  test(`${name} logs what was granted, charged and free, the newest first`, async () => {
    const store = await open();
    const units = { inputTokens: 12, cachedTokens: 5, outputTokens: 34, audioMs: 56, characters: LARGEST };
    const call = { operation: "ai_tts", modelId: "voice/ü", requestId: "req_1", units } as const;
    await store.grant(makeGrant({ amount: 100, note: "für Ada", nowMs: 1000 }));
    await store.hold(makeHold({ amount: 60 }));
    await store.settle(makeSettlement({ ...call, amount: 25, nowMs: 1000 }));
    await store.recordFree(makeUsage({ ...call, accountId: "bob", amount: 0, nowMs: 1001 }));
    const granted = { kind: "grant", accountId: "ada", amount: 100, note: "für Ada", createdAtMs: 1000 };
    const charged = { kind: "usage", accountId: "ada", amount: -25, ...call, createdAtMs: 1000 };
    const free = { kind: "usage", accountId: "bob", amount: 0, ...call, createdAtMs: 1001 };
    expect(await store.listEntries({ accountId: null, limit: 10 })).toEqual([free, charged, granted]);
    expect(await store.listEntries({ accountId: null, limit: 2 })).toEqual([free, charged]);
    expect(await store.listEntries({ accountId: "ada", limit: 10 })).toEqual([charged, granted]);
    expect(await store.listEntries({ accountId: "ada", limit: 1 })).toEqual([charged]);
    expect(await store.listEntries({ accountId: "eve", limit: 1 })).toEqual([]);
  });

  test(`${name} charges nothing for a free call`, async () => {
    const store = await open();
    await store.recordFree(makeUsage({ amount: 0 }));
    expect(await store.readBalance("ada")).toEqual({ balance: 0, held: 0 });
    await expect(store.recordFree(makeUsage({ amount: 1 }))).rejects.toThrow();
    expect(await store.listEntries({ accountId: "ada", limit: 10 })).toHaveLength(1);
  });

  test(`${name} logs nothing for holds that are voided or expire`, async () => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ id: "a", amount: 10 }));
    await store.hold(makeHold({ id: "b", amount: 10 }));
    await store.void("a");
    await store.expireHolds(LARGEST);
    expect(await store.listEntries({ accountId: "ada", limit: 10 })).toHaveLength(1);
  });
}

function testRefusals(name: string, open: Open): void {
  const NO_INTEGERS = [0.5, -1, Number.NaN, Infinity, LARGEST + 1];

  test.each([0, ...NO_INTEGERS])(`${name} refuses to hold %d`, async (amount) => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await expect(store.hold(makeHold({ amount }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 0 });
  });

  test.each(NO_INTEGERS)(`${name} refuses a price of %d and units of that number`, async (number) => {
    const store = await open();
    await store.grant(makeGrant({ amount: 100 }));
    await store.hold(makeHold({ amount: 60 }));
    const units = { ...makeUsage({}).units, outputTokens: number };
    await expect(store.settle(makeSettlement({ amount: number }))).rejects.toThrow();
    await expect(store.settle(makeSettlement({ amount: 1, units }))).rejects.toThrow();
    await expect(store.recordFree(makeUsage({ units }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 100, held: 60 });
    expect(await store.listEntries({ accountId: null, limit: 10 })).toHaveLength(1);
  });

  test.each([0, 0.5, Number.NaN, Infinity, LARGEST + 1])(`${name} refuses to grant %d`, async (amount) => {
    const store = await open();
    await expect(store.grant(makeGrant({ amount }))).rejects.toThrow();
    expect(await store.readBalance("ada")).toEqual({ balance: 0, held: 0 });
  });

  test(`${name} takes a note of 200 characters and refuses one of 201`, async () => {
    const store = await open();
    await store.grant(makeGrant({ note: "x".repeat(200) }));
    await expect(store.grant(makeGrant({ id: "other", note: "x".repeat(201) }))).rejects.toThrow();
    expect(await store.listEntries({ accountId: null, limit: 10_000 })).toHaveLength(1);
  });

  test.each([0, 0.5, 10_001])(`${name} refuses to list %d entries`, async (limit) => {
    const store = await open();
    await expect(store.listEntries({ accountId: null, limit })).rejects.toThrow();
  });
}

function testPair(name: string, openPair: () => Promise<readonly [CreditStore, CreditStore]>): void {
  test(`${name} shows a second connection what the first did`, async () => {
    const [first, second] = await openPair();
    await first.grant(makeGrant({ amount: 100 }));
    await second.hold(makeHold({ amount: 60 }));
    expect(await first.readBalance("ada")).toEqual({ balance: 100, held: 60 });
    expect(await first.settle(makeSettlement({ amount: 20 }))).toBe("resolved");
    expect(await second.void("hold")).toBe("gone");
    expect(await second.listEntries({ accountId: "ada", limit: 10 })).toHaveLength(2);
  });

  test(`${name} grants 10 of 200 holds that come over two connections at once`, async () => {
    const pair = await openPair();
    await pair[0].grant(makeGrant({ amount: 109 }));
    const holds = Array.from({ length: 200 }, (_, number) => makeHold({ id: `hold-${number}`, amount: 10 }));
    const outcomes = await Promise.all(holds.map((hold, index) => (index % 2 === 0 ? pair[0] : pair[1]).hold(hold)));
    expect(outcomes.filter((outcome) => outcome.held)).toHaveLength(10);
    expect(await pair[1].readBalance("ada")).toEqual({ balance: 109, held: 100 });
  });

  test(`${name} resolves each hold once when two connections try`, async () => {
    const pair = await openPair();
    await pair[0].grant(makeGrant({ amount: 1000 }));
    const ids = Array.from({ length: 50 }, (_, number) => `hold-${number}`);
    for (const id of ids) await pair[0].hold(makeHold({ id, amount: 10 }));
    const outcomes = await Promise.all(
      ids.map((holdId) => Promise.all([pair[0].settle(makeSettlement({ holdId, amount: 10 })), pair[1].void(holdId)])),
    );
    for (const outcome of outcomes) expect(outcome.toSorted()).toEqual(["gone", "resolved"]);
    const settled = outcomes.filter(([settle]) => settle === "resolved").length;
    expect(await pair[1].readBalance("ada")).toEqual({ balance: 1000 - 10 * settled, held: 0 });
  });
}
