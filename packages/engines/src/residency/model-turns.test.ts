/** Several models in one memory, in any interleaving of calls, loads, unloads, failures, aborts and closes. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { createLazyResource } from "./lazy-resource.ts";
import { createModelMemory } from "./model-memory.ts";
import { createFakeClock } from "./testing/fake-clock.ts";
import type { FakeClock } from "./testing/fake-clock.ts";

const MEMORY_BYTES = 10;
const WAIT_MS_MAX = 100_000;

interface ModelPlan {
  readonly bytes: number;
  readonly loadMs: number;
  readonly unloadMs: number;
  /** Which of its loads fail. */
  readonly failures: readonly number[];
}

interface CallPlan {
  readonly model: number;
  readonly atMs: number;
  readonly holdMs: number;
  /** Null: it stays until it is done. */
  readonly abortAfterMs: number | null;
}

const timeMs = fc.integer({ min: 0, max: 400 });
const modelPlan = fc.record({
  bytes: fc.integer({ min: 1, max: MEMORY_BYTES }),
  loadMs: timeMs,
  unloadMs: timeMs,
  failures: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
});
const callPlan = fc.record({
  model: fc.integer({ min: 0, max: 2 }),
  atMs: fc.integer({ min: 0, max: 2000 }),
  holdMs: timeMs,
  abortAfterMs: fc.option(timeMs, { freq: 3 }),
});
const scenario = fc.record({
  models: fc.array(modelPlan, { minLength: 3, maxLength: 3 }),
  calls: fc.array(callPlan, { minLength: 1, maxLength: 14 }),
  idleUnloadMs: fc.option(fc.integer({ min: 1, max: 300 })),
  closesAtMs: fc.option(fc.integer({ min: 0, max: 2500 })),
});

interface Copy {
  readonly bytes: number;
  isLoaded: boolean;
  calls: number;
}

function createModel(plan: ModelPlan, { clock, memory, idleUnloadMs, copies, failedUnloads }: SharedParts) {
  let loads = 0;
  const pass = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve, "awaited"));
  return createLazyResource<Copy>({
    reserve: (evict, signal) => memory.reserve({ bytes: plan.bytes, evict }, signal),
    waitTimeMsMax: WAIT_MS_MAX,
    createTimeoutError: () => new Error("starved"),
    async load() {
      const copy = { bytes: plan.bytes, isLoaded: false, calls: 0 };
      loads += 1;
      copies.add(copy);
      const inMemory = [...copies].reduce((sum, { bytes }) => sum + bytes, 0);
      expect(inMemory).toBeLessThanOrEqual(MEMORY_BYTES);
      const isGood = !plan.failures.includes(loads);
      await pass(plan.loadMs);
      copy.isLoaded = isGood;
      if (isGood) return copy;
      copies.delete(copy);
      throw new Error("broken");
    },
    async unload(copy) {
      expect(copy).toMatchObject({ isLoaded: true, calls: 0 });
      copy.isLoaded = false;
      await pass(plan.unloadMs);
      copies.delete(copy);
    },
    idleUnloadMs,
    retryDelayMs: 10,
    retryDelayMsMax: 50,
    createLossError: (reason) => new Error(`lost: ${reason}`),
    explain: (thrown) => thrown,
    onEvent(event) {
      if (event.type === "unload" && event.failure !== null) failedUnloads.push(event.failure.thrown);
    },
    clock,
  });
}

interface SharedParts {
  readonly clock: FakeClock;
  readonly memory: ReturnType<typeof createModelMemory>;
  readonly idleUnloadMs: number | null;
  /** What is in memory, loading and unloading included. */
  readonly copies: Set<Copy>;
  /** No caller waits for an unload whose reason is memory or idleness, so its assertions are read here. */
  readonly failedUnloads: unknown[];
}

/** @returns how the call ended. */
async function call(resource: ReturnType<typeof createModel>, plan: CallPlan, clock: FakeClock): Promise<string> {
  const controller = new AbortController();
  if (plan.abortAfterMs !== null) {
    clock.after(plan.abortAfterMs, () => controller.abort(new Error("aborted")), "awaited");
  }
  try {
    const { value, release } = await resource.acquire(controller.signal);
    value.calls += 1;
    await new Promise<void>((resolve) => clock.after(plan.holdMs, resolve, "awaited"));
    // No eviction, no idle time and no close may take it away from a running call.
    expect(value.isLoaded).toBe(true);
    value.calls -= 1;
    release();
    return "served";
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    return thrown.message;
  }
}

test("the limit holds, no running call loses its model, no call starves, and all memory comes back", async () => {
  const property = fc.asyncProperty(scenario, async ({ models, calls, idleUnloadMs, closesAtMs }) => {
    const clock = createFakeClock();
    const memory = createModelMemory({ bytesMax: MEMORY_BYTES, graceMs: 50, clock });
    const parts: SharedParts = { clock, memory, idleUnloadMs, copies: new Set(), failedUnloads: [] };
    const resources = models.map((plan) => createModel(plan, parts));
    const ended: Promise<string>[] = [];
    for (const plan of calls) {
      const resource = resources[plan.model];
      if (resource === undefined) throw new Error("No such model.");
      clock.after(plan.atMs, () => ended.push(call(resource, plan, clock)), "awaited");
    }
    const closeAll = () => Promise.all(resources.map((resource) => resource.close()));
    if (closesAtMs !== null) clock.after(closesAtMs, () => void closeAll(), "awaited");
    await clock.advance(WAIT_MS_MAX);
    const outcomes = await Promise.all(ended);
    expect(outcomes).toHaveLength(calls.length);
    for (const [index, outcome] of outcomes.entries())
      expect(["served", "aborted", "broken"], `${index}`).toContain(outcome);
    const closed = closeAll();
    await clock.advance(WAIT_MS_MAX);
    await closed;
    expect(parts.failedUnloads).toEqual([]);
    expect(memory.bytesTaken).toBe(0);
    expect(parts.copies.size).toBe(0);
  });
  await fc.assert(property, { numRuns: 150 });
});
