/** Runs of resumable subscriptions, on their own: who reads them, who comes back, and what ends them. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AiError } from "@openai-compat/core";
import type { IdentifiedEvent } from "./native-handlers.ts";
import { createSubscriptionRuns } from "./subscription-runs.ts";
import type { RunEvents, RunSettings } from "./subscription-runs.ts";

const SETTINGS: RunSettings = { resumeMs: 5000, runBytesMax: 1000, runsBytesMax: 10_000, accountRunsMax: 3 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Work that makes an event whenever it is told to, and hears when it is aborted. */
function createWork() {
  const waiting: (string | null | Error)[] = [];
  let wake = () => {};
  let made = 0;
  let signal: AbortSignal | null = null;
  async function* make(): AsyncGenerator<string, void> {
    for (;;) {
      const next = waiting.shift();
      if (next === null) return;
      if (next instanceof Error) throw next;
      if (next !== undefined) {
        made += 1;
        yield next;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal?.addEventListener("abort", () => resolve(), { once: true });
      });
      signal?.throwIfAborted();
    }
  }
  return {
    push(...events: (string | null | Error)[]) {
      waiting.push(...events);
      wake();
    },
    isAborted: () => signal?.aborted === true,
    reason: (): unknown => signal?.reason,
    made: () => made,
    start: async (run: { readonly signal: AbortSignal }) => {
      signal = run.signal;
      return make();
    },
  };
}

function open(overrides: Partial<RunSettings> = {}) {
  const runs = createSubscriptionRuns({ ...SETTINGS, ...overrides });
  const begin = async (accountId = "ada") => {
    const work = createWork();
    const connection = new AbortController();
    const events = await runs.begin({ accountId, signal: connection.signal, start: work.start });
    return { work, connection, events };
  };
  const resume = (lastEventId: string, accountId = "ada") => {
    const connection = new AbortController();
    return { connection, events: runs.resume({ accountId, signal: connection.signal, lastEventId }) };
  };
  return { runs, begin, resume };
}

async function take(events: RunEvents, count: number): Promise<IdentifiedEvent<unknown>[]> {
  const taken: IdentifiedEvent<unknown>[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

const listTexts = (events: readonly IdentifiedEvent<unknown>[]) => events.map(({ event }) => event);
const lost = expect.objectContaining({ code: "subscription_lost" });

test("a reader that comes back gets what follows its last event, each once", async () => {
  const { begin, resume } = open();
  const { work, connection, events } = await begin();
  work.push("a", "b");
  const first = await take(events, 2);
  connection.abort();
  work.push("c", "d", null);
  await vi.advanceTimersByTimeAsync(4999);
  const second = await take(resume(first[1]?.id ?? "").events, 9);
  expect(listTexts([...first, ...second])).toEqual(["a", "b", "c", "d"]);
  expect(work.isAborted()).toBe(false);
});

test("what was sent and did not arrive is sent again", async () => {
  const { begin, resume } = open();
  const { work, connection, events } = await begin();
  work.push("a", "b", "c", null);
  const [first] = await take(events, 3);
  connection.abort();
  expect(listTexts(await take(resume(first?.id ?? "").events, 9))).toEqual(["b", "c"]);
});

test("a run whose reader stays away is aborted as if its client had disconnected", async () => {
  const { begin, resume } = open();
  const { work, connection, events } = await begin();
  work.push("a");
  const [first] = await take(events, 1);
  connection.abort();
  await vi.advanceTimersByTimeAsync(4999);
  expect(work.isAborted()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(work.reason()).toMatchObject({ code: "cancelled" });
  await vi.advanceTimersByTimeAsync(5000);
  expect(() => resume(first?.id ?? "")).toThrow(lost);
});

test("a run of which nothing was read is aborted with its connection: nobody has an id to come back with", async () => {
  const { begin } = open();
  const { work, connection } = await begin();
  connection.abort();
  expect(work.reason()).toMatchObject({ code: "cancelled" });
});

test("a connection that is aborted with a reason ends the work, and its reader gets the reason", async () => {
  const { begin } = open();
  const { work, connection, events } = await begin();
  work.push("a");
  await take(events, 1);
  const next = events.next();
  connection.abort(new AiError("shutting_down", "The server stops."));
  await expect(next).rejects.toMatchObject({ code: "shutting_down" });
  expect(work.reason()).toMatchObject({ code: "shutting_down" });
});

test("a work that is not admitted is told when its connection is gone", async () => {
  const { runs } = open();
  const connection = new AbortController();
  const start = (run: { readonly signal: AbortSignal }) =>
    new Promise<never>((_resolve, reject) => run.signal.addEventListener("abort", () => reject(run.signal.reason)));
  const beginning = runs.begin({ accountId: "ada", signal: connection.signal, start });
  connection.abort();
  await expect(beginning).rejects.toMatchObject({ code: "cancelled" });
});

test("another account can neither resume nor cancel a run", async () => {
  const { begin, resume, runs } = open();
  const { work, events } = await begin();
  work.push("a");
  const [first] = await take(events, 1);
  const id = first?.id ?? "";
  expect(() => resume(id, "eve")).toThrow(lost);
  expect(runs.cancel("eve", id.replace(/:.*/, ""))).toBe(false);
  expect(work.isAborted()).toBe(false);
});

test.each(["", "run", "run_1:0", `run_${"0".repeat(36)}:0`, `run_${"0".repeat(36)}:-1`, "x".repeat(10_000)])(
  "the id %j is of no run",
  (id) => expect(() => open().resume(id)).toThrow(lost),
);

test("an event that was not made yet can't be resumed behind", async () => {
  const { begin, resume } = open();
  const { work, events } = await begin();
  work.push("a");
  const [first] = await take(events, 1);
  expect(() => resume((first?.id ?? "").replace(/:0$/, ":7"))).toThrow(lost);
});

test("the failure of the work comes behind its events, again for a reader that comes back", async () => {
  const { begin, resume } = open();
  const { work, connection, events } = await begin();
  work.push("a", new AiError("engine_failed", "It broke."));
  const [first] = await take(events, 1);
  await expect(events.next()).rejects.toMatchObject({ code: "engine_failed" });
  connection.abort();
  await expect(resume(first?.id ?? "").events.next()).rejects.toMatchObject({ code: "engine_failed" });
});

test("a second reader takes the run over, and the first one learns it", async () => {
  const { begin, resume } = open();
  const { work, events } = await begin();
  work.push("a");
  const [first] = await take(events, 1);
  const waiting = events.next();
  const second = resume(first?.id ?? "");
  await expect(waiting).rejects.toMatchObject({ code: "subscription_lost" });
  work.push("b");
  expect(listTexts(await take(second.events, 1))).toEqual(["b"]);
});

test("a cancelled run ends at once, and only once", async () => {
  const { begin, runs } = open();
  const { work, events } = await begin();
  work.push("a");
  const [first] = await take(events, 1);
  const id = (first?.id ?? "").replace(/:.*/, "");
  expect(runs.cancel("ada", id)).toBe(true);
  await expect(events.next()).rejects.toMatchObject({ code: "cancelled" });
  expect(work.isAborted()).toBe(true);
  expect(runs.cancel("ada", id)).toBe(false);
});

test("work waits while half of the bytes of a run are unread", async () => {
  const { begin } = open();
  const { work, events } = await begin();
  work.push(...Array.from({ length: 10 }, () => "x".repeat(98)), null);
  await vi.advanceTimersByTimeAsync(1);
  expect(work.made()).toBe(5);
  expect(await take(events, 20)).toHaveLength(10);
  expect(work.made()).toBe(10);
});

test("events that were read are forgotten when the bytes of a run are used up", async () => {
  const { begin, resume } = open();
  const { work, connection, events } = await begin();
  work.push(...Array.from({ length: 20 }, () => "x".repeat(98)));
  const taken = await take(events, 20);
  connection.abort();
  expect(() => resume(taken[2]?.id ?? "")).toThrow(lost);
  work.push(null);
  expect(await take(resume(taken[15]?.id ?? "").events, 9)).toHaveLength(4);
});

test("an account has so many runs, and one more where one of them has ended", async () => {
  const { begin } = open();
  const [first] = await Promise.all([begin(), begin(), begin()]);
  await expect(begin()).rejects.toMatchObject({ code: "queue_full" });
  await expect(begin("eve")).resolves.toBeDefined();
  first?.work.push("a", null);
  if (first !== undefined) await take(first.events, 2);
  await expect(begin()).resolves.toBeDefined();
});

test("the oldest runs that have ended are forgotten when all of them take too many bytes", async () => {
  const { begin, resume } = open({ runsBytesMax: 150, accountRunsMax: 100 });
  const ids: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const { work, events } = await begin();
    work.push("x".repeat(98), null);
    const [event] = await take(events, 2);
    ids.push(event?.id ?? "");
  }
  await begin();
  expect(() => resume(ids[0] ?? "")).toThrow(lost);
  expect(() => resume(ids[1] ?? "")).toThrow(lost);
  expect(resume(ids[2] ?? "").events).toBeDefined();
});

test("a server that stops ends the runs without a reader at once, and begins none", async () => {
  const { begin, runs } = open();
  const [away, read] = await Promise.all([begin(), begin()]);
  away.work.push("a");
  await take(away.events, 1);
  away.connection.abort();
  runs.close(new AiError("shutting_down", "The server stops."));
  expect(away.work.reason()).toMatchObject({ code: "shutting_down" });
  expect(read.work.isAborted()).toBe(false);
  await expect(begin()).rejects.toMatchObject({ code: "shutting_down" });
  read.connection.abort();
  expect(read.work.isAborted()).toBe(true);
});
