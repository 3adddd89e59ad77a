import type { CallCheckpoint, ResponseRunStore, RunState } from "@openai-compat/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RunLog } from "./run-log.ts";
import type { RunLogOptions } from "./run-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const KEY = { accountId: "ada", id: "resp_1", owner: "here" };
const event = (text: string) => ({ type: "response.output_text.delta", delta: text });

function open(options: Partial<RunLogOptions> = {}, states: readonly RunState[] = []) {
  const left = [...states];
  const append = vi.fn<ResponseRunStore["append"]>(async () => left.shift() ?? "running");
  const onState = vi.fn<RunLogOptions["onState"]>();
  const onError = vi.fn<RunLogOptions["onError"]>();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a store, a log uses this alone
  const runs = { append } as unknown as ResponseRunStore;
  const base = { runs, key: KEY, leaseMs: 1000, bytesMax: 10_000, checkpoint: () => null, now: () => 5000 };
  const log = new RunLog({ ...base, onState, onError, ...options });
  const batches = () => append.mock.calls.map(([, { first, events }]) => [first, events.length]);
  return { log, append, onState, onError, batches };
}

test("events wait a moment for others, and are stored together", async () => {
  const { log, append, batches } = open();
  await log.push(event("a"));
  await log.push(event("b"));
  expect(append).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(100);
  expect(batches()).toEqual([[0, 2]]);
  await log.push(event("c"));
  await vi.advanceTimersByTimeAsync(100);
  expect(batches()).toEqual([
    [0, 2],
    [2, 1],
  ]);
});

test("a batch of 256 events does not wait", async () => {
  const { log, batches } = open({ bytesMax: 1_000_000 });
  for (let index = 0; index < 256; index += 1) await log.push(event("a"));
  expect(batches()).toEqual([[0, 256]]);
  await vi.advanceTimersByTimeAsync(200);
  expect(batches()).toHaveLength(1);
});

test("a batch renews the lease and says what had been used, also an empty one", async () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a log does not look into it
  const checkpoint = { modelId: "m" } as unknown as CallCheckpoint;
  const { log, append } = open({ checkpoint: () => checkpoint });
  await log.flush();
  expect(append).toHaveBeenCalledWith(KEY, {
    first: 0,
    events: [],
    checkpoint: { modelId: "m" },
    lease: { untilMs: 6000 },
  });
});

test("the last events come after those that wait, and the run is kept from then on", async () => {
  const { log, append } = open();
  await log.push(event("a"));
  await log.end([event("b")], 9000);
  const [, batch] = append.mock.calls[0] ?? [];
  expect(batch).toMatchObject({ first: 0, events: [event("a"), event("b")], lease: { keptUntilMs: 9000 } });
  await vi.advanceTimersByTimeAsync(200);
  expect(append).toHaveBeenCalledOnce();
});

test("batches are written one after the other", async () => {
  const release: (() => void)[] = [];
  const { log, append } = open();
  append.mockImplementation(() => new Promise((resolve) => void release.push(() => resolve("running"))));
  await log.push(event("a"));
  const first = log.flush();
  await vi.advanceTimersByTimeAsync(0);
  await log.push(event("b"));
  const second = log.flush();
  await vi.advanceTimersByTimeAsync(0);
  expect(append).toHaveBeenCalledOnce();
  release[0]?.();
  await first;
  await vi.advanceTimersByTimeAsync(0);
  expect(append.mock.calls[1]?.[1]).toMatchObject({ first: 1, events: [event("b")] });
  release[1]?.();
  await second;
});

test("who runs it learns what the store says of the run", async () => {
  const { log, onState } = open({}, ["running", "cancelling"]);
  await log.flush();
  await log.flush();
  expect(onState.mock.calls).toEqual([["running"], ["cancelling"]]);
});

test("more events than may be stored are a failure that names the limit", async () => {
  const { log } = open({ bytesMax: 100 });
  await expect(log.push(event("a".repeat(200)))).rejects.toMatchObject({
    code: "engine_failed",
    message: expect.stringContaining("100 bytes") as unknown,
  });
});

test("after a batch that was not stored no more events are, but the end is", async () => {
  const { log, append, onError } = open();
  const failure = new Error("The store is away.");
  append.mockRejectedValueOnce(failure);
  await log.push(event("a"));
  await vi.advanceTimersByTimeAsync(100);
  expect(onError).toHaveBeenCalledWith(failure);
  await log.push(event("b"));
  await log.end([event("c")], 9000);
  expect(append.mock.calls.map(([, { first, events }]) => [first, events])).toEqual([
    [0, [event("a")]],
    [0, [event("c")]],
  ]);
});
