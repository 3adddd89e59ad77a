import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { createModelQueue } from "./model-queue.ts";
import type { ReleaseSlot } from "./model-queue.ts";

const never = new AbortController().signal;

/** A queue of a model with so many slots on a clock that only the test moves. */
function setUp(concurrency: number, accountSlotsMax: number | null = null) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const queue = createModelQueue({ concurrency, waitingMax: 64, waitTimeMsMax: 600_000, accountSlotsMax });
  const held = new Map<string, ReleaseSlot[]>();
  const ask = (accountId: string, slots = 1) => {
    for (let slot = 0; slot < slots; slot += 1) {
      void queue.acquireMore(accountId, never).then((release) => {
        held.set(accountId, [...(held.get(accountId) ?? []), release]);
      });
    }
  };
  const settled = () => vi.advanceTimersByTimeAsync(0);
  const release = (accountId: string) => held.get(accountId)?.shift()?.();
  const countHeld = async (...accountIds: string[]) => {
    await settled();
    return accountIds.map((accountId) => held.get(accountId)?.length ?? 0);
  };
  return { queue, ask, release, settled, countHeld };
}

test.each([
  { slots: 1, alone: 1, besideOne: 1, besideMany: 1 },
  { slots: 2, alone: 1, besideOne: 1, besideMany: 1 },
  { slots: 3, alone: 2, besideOne: 2, besideMany: 2 },
  { slots: 4, alone: 3, besideOne: 2, besideMany: 2 },
  { slots: 16, alone: 15, besideOne: 14, besideMany: 8 },
])(
  "of $slots slots an account gets $alone alone, $besideOne beside one that uses a slot, $besideMany beside one that wants all",
  async (expected) => {
    const { slots, alone, besideOne, besideMany } = expected;
    const lonely = setUp(slots);
    lonely.ask("greedy", 20);
    expect(await lonely.countHeld("greedy")).toEqual([alone]);

    const beside = setUp(slots);
    beside.ask("ada");
    beside.ask("greedy", 20);
    expect(await beside.countHeld("ada", "greedy")).toEqual([1, slots === 1 ? 0 : besideOne]);

    const equals = setUp(slots);
    equals.ask("ada", 100);
    equals.ask("greedy", 100);
    for (let round = 0; round < 40; round += 1) {
      equals.release("ada");
      await equals.settled();
    }
    expect(Math.max(...(await equals.countHeld("ada", "greedy")))).toBe(besideMany);
    expect(equals.queue.running).toBe(slots);
  },
);

test("what an account holds beyond its share stays its own, and it gets no further one as those end", async () => {
  const { queue, ask, release, countHeld } = setUp(4);
  ask("greedy", 8);
  ask("ada");
  expect(await countHeld("greedy", "ada")).toEqual([3, 1]);
  release("greedy");
  expect(await countHeld("greedy", "ada")).toEqual([2, 1]);
  release("greedy");
  expect(await countHeld("greedy", "ada")).toEqual([2, 1]);
  expect(queue.running).toBe(3);
});

test("an account that comes while another one uses the model finds a free slot at once", async () => {
  const { ask, countHeld } = setUp(4);
  ask("ada");
  ask("greedy", 8);
  ask("bob");
  expect(await countHeld("ada", "greedy", "bob")).toEqual([1, 2, 1]);
});

test("short calls in a row keep their account's slot from others between two of them", async () => {
  const { ask, release, settled, countHeld } = setUp(4);
  ask("greedy", 40);
  for (let call = 0; call < 20; call += 1) {
    ask("ada");
    await vi.advanceTimersByTimeAsync(200);
    release("ada");
    await vi.advanceTimersByTimeAsync(800);
    release("greedy");
    await settled();
  }
  expect(await countHeld("greedy")).toEqual([2]);
});

test("many accounts that seldom call keep few slots from one that works", async () => {
  const { ask, release, countHeld } = setUp(100);
  for (let round = 0; round < 3; round += 1) {
    for (let account = 0; account < 50; account += 1) {
      ask(`account ${account}`);
      await vi.advanceTimersByTimeAsync(180);
      release(`account ${account}`);
    }
  }
  ask("worker", 200);
  expect(await countHeld("worker")).toEqual([98]);
});

test("an account that waits gets the slots that others have ceased to use, by a clock and all at once, and no timer stays", async () => {
  const { queue, ask, release, countHeld } = setUp(16);
  ask("ada", 7);
  await vi.advanceTimersByTimeAsync(60_000);
  ask("greedy", 20);
  expect(await countHeld("ada", "greedy")).toEqual([7, 8]);
  for (let slot = 0; slot < 7; slot += 1) release("ada");
  expect(await countHeld("greedy")).toEqual([8]);
  await vi.advanceTimersByTimeAsync(3000);
  const [soon = 0] = await countHeld("greedy");
  expect(soon).toBeGreaterThan(8);
  expect(soon).toBeLessThan(15);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await countHeld("greedy")).toEqual([15]);
  for (let slot = 0; slot < 20; slot += 1) {
    release("greedy");
    await countHeld();
  }
  expect({ running: queue.running, timers: vi.getTimerCount() }).toEqual({ running: 0, timers: 0 });
});

test("a setting is the same for every account, whatever other accounts do", async () => {
  const { queue, ask, countHeld } = setUp(4, 3);
  ask("ada");
  ask("greedy", 8);
  expect(await countHeld("ada", "greedy")).toEqual([1, 3]);
  expect({ running: queue.running, timers: vi.getTimerCount() }).toEqual({ running: 4, timers: 0 });
});

type Step =
  | { readonly type: "call"; readonly account: number }
  | { readonly type: "further"; readonly account: number }
  | { readonly type: "release"; readonly index: number }
  | { readonly type: "abort"; readonly index: number }
  | { readonly type: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("call"), account: fc.nat(4) }),
  fc.record({ type: fc.constant("further"), account: fc.nat(4) }),
  fc.record({ type: fc.constant("release"), index: fc.nat(30) }),
  fc.record({ type: fc.constant("abort"), index: fc.nat(30) }),
  fc.record({ type: fc.constant("pass"), ms: fc.constantFrom(1, 200, 5000, 20_000) }),
);

/** The holders of slots and the waiters, as the callers see it. */
function createCallers(concurrency: number) {
  const queue = createModelQueue({ concurrency, waitingMax: 1000, waitTimeMsMax: 1_000_000_000 });
  const waiting: { readonly account: number; readonly controller: AbortController }[] = [];
  const held: { readonly account: number; readonly release: ReleaseSlot }[] = [];
  const exceeded: string[] = [];
  const holdOf = (account: number) => held.filter((slot) => slot.account === account).length;

  /** What no admission may exceed, from what can be seen: what others used before only makes a share smaller. */
  function mostFor(account: number): number {
    const present = new Set([...held, ...waiting].map((caller) => caller.account));
    const left = concurrency - 1 - (held.length - holdOf(account));
    return Math.max(1, Math.min(concurrency - 1, Math.max(left, Math.ceil(concurrency / present.size))));
  }

  function call(account: number, type: "acquire" | "acquireMore"): void {
    const caller = { account, controller: new AbortController() };
    waiting.push(caller);
    const leave = () => void waiting.splice(waiting.indexOf(caller), 1);
    queue[type](`account ${account}`, caller.controller.signal).then((release) => {
      if (holdOf(account) >= mostFor(account)) exceeded.push(`account ${account} got slot ${holdOf(account) + 1}`);
      leave();
      held.push({ account, release });
    }, leave);
  }

  return { queue, waiting, held, exceeded, call };
}

test("whatever is called, aborted and released: no admission exceeds its share, no slot leaks, and every waiter is admitted", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const property = fc.asyncProperty(
    fc.constantFrom(1, 2, 3, 4, 16),
    fc.array(step, { maxLength: 80, size: "max" }),
    async (concurrency, steps) => {
      const { queue, waiting, held, exceeded, call } = createCallers(concurrency);
      const run = async (next: Step) => {
        if (next.type === "call") call(next.account, "acquire");
        else if (next.type === "further") call(next.account, "acquireMore");
        else if (next.type === "pass") await vi.advanceTimersByTimeAsync(next.ms);
        else if (next.type === "abort") waiting[next.index % Math.max(1, waiting.length)]?.controller.abort();
        else held.splice(next.index % Math.max(1, held.length), 1)[0]?.release();
        await vi.advanceTimersByTimeAsync(0);
        expect({ running: queue.running, exceeded }).toEqual({ running: held.length, exceeded: [] });
        expect(held.length).toBeLessThanOrEqual(concurrency);
      };
      for (const next of steps) await run(next);
      for (let round = 0; held.length + waiting.length > 0; round += 1) {
        expect(round, "rounds until no call waits").toBeLessThan(200);
        await run({ type: "release", index: 0 });
        await run({ type: "pass", ms: 1000 });
      }
      expect({ running: queue.running, waiting: queue.waiting, timers: vi.getTimerCount() }).toEqual({
        running: 0,
        waiting: 0,
        timers: 0,
      });
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
