/** The suite that every `ResponseRunStore` passes. Import it from a test file only. */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { NewResponseRun, ResponseRunStore, RunBatch } from "./response-run-store.ts";

const LIMITS = { runningMax: 10, endedMax: 10 };
const KEY = { accountId: "ada", id: "1" };
const OWNED = { ...KEY, owner: "one" };
const LEASE = { untilMs: 200 };

function makeRun(fields: Partial<NewResponseRun> = {}): NewResponseRun {
  return { ...OWNED, createdAtMs: 10, leaseUntilMs: 100, content: { text: "ü\0 \u{1F600}" }, ...fields };
}

function makeEvents(first: number, count: number) {
  return Array.from({ length: count }, (_, index) => ({ sequence_number: first + index, delta: `é${first + index}` }));
}

function makeBatch(first: number, count: number, rest: Partial<RunBatch> = {}): RunBatch {
  return { first, events: makeEvents(first, count), checkpoint: null, lease: LEASE, ...rest };
}

/** @param makeStore opens an empty store of its own each time. */
export function responseRunStoreContract(
  name: string,
  makeStore: () => ResponseRunStore | Promise<ResponseRunStore>,
): void {
  const open = openForEachTest(makeStore);
  defineEventTests(name, open);
  defineOwnerTests(name, open);
  defineBoundTests(name, open);
}

type Open = () => Promise<ResponseRunStore>;

function defineEventTests(name: string, open: Open): void {
  test(`${name} gives a run back as it began, and with what was added since`, async () => {
    const store = await open();
    const { leaseUntilMs, ...run } = makeRun();
    expect(await store.begin(makeRun(), LIMITS)).toBe(true);
    const begun = { ...run, leaseUntilMs, isCancelling: false, eventCount: 0, checkpoint: null };
    expect(await store.find(KEY)).toEqual(begun);
    expect(await store.append(OWNED, makeBatch(0, 2, { checkpoint: { used: 1 } }))).toBe("running");
    expect(await store.append(OWNED, makeBatch(2, 1))).toBe("running");
    expect(await store.find(KEY)).toEqual({ ...begun, leaseUntilMs: 200, eventCount: 3, checkpoint: { used: 1 } });
    await expect(store.begin(makeRun(), LIMITS)).rejects.toThrow();
  });

  test(`${name} lists the events behind any number, in order and once each`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    let first = 0;
    for (const count of [1, 3, 0, 2, 5]) {
      await store.append(OWNED, makeBatch(first, count));
      first += count;
    }
    for (let after = -1; after <= first; after += 1) {
      expect(await store.listEvents(KEY, after)).toEqual(makeEvents(after + 1, Math.max(0, first - after - 1)));
      expect(await store.findEvent(KEY, after + 1)).toEqual(
        makeEvents(after + 1, after + 1 < first ? 1 : 0)[0] ?? null,
      );
    }
  });

  test(`${name} lists many events in several goes, and none is left out`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    for (let first = 0; first < 150; first += 1) await store.append(OWNED, makeBatch(first, 1));
    const found: unknown[] = [];
    for (;;) {
      const events = await store.listEvents(KEY, found.length - 1);
      expect(events.length).toBeLessThan(150);
      if (events.length === 0) break;
      found.push(...events);
    }
    expect(found).toEqual(makeEvents(0, 150));
  });
}

function defineOwnerTests(name: string, open: Open): void {
  test(`${name} shows, changes and removes no run for another account`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    await store.append(OWNED, makeBatch(0, 1));
    const other = { accountId: "bob", id: "1" };
    expect(await store.find(other)).toBeNull();
    expect(await store.listEvents(other, -1)).toEqual([]);
    expect(await store.append({ ...other, owner: "one" }, makeBatch(1, 1))).toBe("lost");
    expect(await store.cancel(other)).toBe(false);
    expect(await store.remove(other)).toBe(false);
    expect(await store.find(KEY)).toMatchObject({ eventCount: 1, isCancelling: false });
  });

  test(`${name} takes events of the owner alone, behind the last one, and none once the run has ended`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    expect(await store.append({ ...OWNED, owner: "two" }, makeBatch(0, 1))).toBe("lost");
    expect(await store.append(OWNED, makeBatch(1, 1))).toBe("lost");
    expect(await store.append({ ...OWNED, id: "2" }, makeBatch(0, 1))).toBe("lost");
    expect(await store.append(OWNED, makeBatch(0, 1, { lease: { keptUntilMs: 500 } }))).toBe("running");
    expect(await store.find(KEY)).toMatchObject({ leaseUntilMs: null, eventCount: 1 });
    expect(await store.append(OWNED, makeBatch(1, 1))).toBe("lost");
    expect(await store.listEvents(KEY, -1)).toEqual(makeEvents(0, 1));
  });

  test(`${name} tells the owner once its run is to be cancelled, and cancels none that has ended`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    expect(await store.cancel(KEY)).toBe(true);
    expect(await store.cancel(KEY)).toBe(true);
    expect(await store.find(KEY)).toMatchObject({ isCancelling: true });
    expect(await store.append(OWNED, makeBatch(0, 0))).toBe("cancelling");
    expect(await store.append(OWNED, makeBatch(0, 0, { lease: { keptUntilMs: 500 } }))).toBe("cancelling");
    expect(await store.cancel(KEY)).toBe(false);
    expect(await store.cancel({ ...KEY, id: "2" })).toBe(false);
  });

  test(`${name} gives a run whose lease has run out to one new owner, and the old one nothing more`, async () => {
    const store = await open();
    await store.begin(makeRun(), LIMITS);
    await store.begin(makeRun({ id: "2", leaseUntilMs: 101 }), LIMITS);
    await store.begin(makeRun({ id: "3" }), LIMITS);
    await store.append({ ...OWNED, id: "3" }, makeBatch(0, 1, { lease: { keptUntilMs: 500 } }));
    const claim = { owner: "two", nowMs: 100, leaseUntilMs: 300, limit: 10 };
    expect(await store.claimLapsed({ ...claim, nowMs: 99 })).toEqual([]);
    const claimed = await store.claimLapsed(claim);
    expect(claimed).toEqual([await store.find(KEY)]);
    expect(claimed).toMatchObject([{ id: "1", owner: "two", leaseUntilMs: 300, content: makeRun().content }]);
    expect(await store.claimLapsed(claim)).toEqual([]);
    expect(await store.append(OWNED, makeBatch(0, 1))).toBe("lost");
    expect(await store.append({ ...OWNED, owner: "two" }, makeBatch(0, 1))).toBe("running");
  });
}

function defineBoundTests(name: string, open: Open): void {
  test(`${name} gives no more runs at once than are asked for`, async () => {
    const store = await open();
    for (const id of ["1", "2", "3"]) await store.begin(makeRun({ id }), LIMITS);
    const claim = { owner: "two", nowMs: 100, leaseUntilMs: 300, limit: 2 };
    expect(await store.claimLapsed(claim)).toHaveLength(2);
    expect(await store.claimLapsed(claim)).toHaveLength(1);
  });

  test(`${name} lets an account run no more at once than it may, and keeps the latest of those that ended`, async () => {
    const store = await open();
    const limits = { runningMax: 2, endedMax: 1 };
    expect(await store.begin(makeRun({ id: "1" }), limits)).toBe(true);
    expect(await store.begin(makeRun({ id: "2" }), limits)).toBe(true);
    expect(await store.begin(makeRun({ id: "3" }), limits)).toBe(false);
    expect(await store.begin(makeRun({ id: "3", accountId: "bob" }), limits)).toBe(true);
    await store.append({ ...OWNED, id: "1" }, makeBatch(0, 1, { lease: { keptUntilMs: 500 } }));
    await store.append({ ...OWNED, id: "2" }, makeBatch(0, 1, { lease: { keptUntilMs: 501 } }));
    expect(await store.begin(makeRun({ id: "4" }), limits)).toBe(true);
    const kept = await Promise.all(["1", "2", "4"].map(async (id) => (await store.find({ ...KEY, id })) !== null));
    expect(kept).toEqual([false, true, true]);
    expect(await store.listEvents(KEY, -1)).toEqual([]);
  });

  test(`${name} removes a run with its events, when it is told to or its time has come`, async () => {
    const store = await open();
    for (const id of ["1", "2", "3"]) {
      await store.begin(makeRun({ id }), LIMITS);
      await store.append({ ...OWNED, id }, makeBatch(0, 1));
    }
    expect(await store.remove(KEY)).toBe(true);
    expect(await store.remove(KEY)).toBe(false);
    await store.append({ ...OWNED, id: "2" }, makeBatch(1, 1, { lease: { keptUntilMs: 500 } }));
    expect(await store.removeExpired(499)).toBe(0);
    expect(await store.removeExpired(500)).toBe(1);
    expect(await store.removeExpired(10_000)).toBe(0);
    const found = await Promise.all(["1", "2", "3"].map((id) => store.listEvents({ ...KEY, id }, -1)));
    expect(found.map(({ length }) => length)).toEqual([0, 0, 1]);
  });
}
