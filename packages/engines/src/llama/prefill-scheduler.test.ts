import { setImmediate as nextRound } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createPhases, createPrefillScheduler } from "./prefill-scheduler.ts";

const never = new AbortController().signal;

function createReader() {
  const scheduler = createPrefillScheduler({ chunkTokens: 64 });
  const chunks: [string, number][] = [];
  const readAll = async (name: string, total: number, call: object = {}) => {
    for (let left = total; left > 0;) {
      left -= await scheduler.takeTurn({
        signal: never,
        call,
        tokensLeft: left,
        async read(tokens) {
          chunks.push([name, tokens]);
          await Promise.resolve();
          return tokens;
        },
      });
    }
  };
  return { scheduler, chunks, readAll, sizes: () => chunks.map(([, tokens]) => tokens) };
}

test("turns go round among the prompts, one chunk at a time", async () => {
  const { readAll, chunks } = createReader();
  await Promise.all([readAll("a", 128), readAll("b", 128), readAll("c", 64)]);
  expect(chunks.map(([name]) => name)).toEqual(["a", "b", "c", "a", "b"]);
});

test("turns go round among the calls, whatever number of prompts each has", async () => {
  const { readAll, chunks } = createReader();
  const [many, few] = [{}, {}];
  await Promise.all([
    ...["a1", "a2", "a3", "a4"].map((name) => readAll(name, 128, many)),
    ...["b1", "b2"].map((name) => readAll(name, 64, few)),
  ]);
  // No other call was waiting for the first.
  expect(chunks.map(([name]) => name)).toEqual(["a1", "a2", "b1", "a3", "b2", "a4", "a1", "a2", "a3", "a4"]);
});

/** A clock that advances only while work runs or waits. */
function createClock() {
  let nowMs = 0;
  const due: { atMs: number; resolve: () => void }[] = [];
  return {
    now: () => nowMs,
    wait: (ms: number) => new Promise<void>((resolve) => due.push({ atMs: nowMs + ms, resolve })),
    async pass(ms: number) {
      nowMs += ms;
      for (const timer of due.splice(0)) {
        if (timer.atMs <= nowMs) timer.resolve();
        else due.push(timer);
      }
      await nextRound();
    },
  };
}

test("after a scored chunk no other is scored for as long as it took, while other calls evaluate", async () => {
  const clock = createClock();
  const scheduler = createPrefillScheduler({ chunkTokens: 64, clock });
  const events: string[] = [];
  const step = (name: string) => scheduler.runDecodeStep(async () => events.push(name));
  const score = (name: string, meanwhile: () => Promise<unknown>) =>
    scheduler.takeScoredTurn({
      signal: never,
      call: {},
      tokensLeft: 64,
      async read() {
        const others = meanwhile();
        await clock.pass(500);
        events.push(name);
        return { others };
      },
    });
  const { others } = await score("first score", () => step("step meanwhile"));
  await others;
  const next = score("second score", async () => {});
  await clock.pass(499);
  await step("another step");
  expect(events).toEqual(["first score", "step meanwhile", "another step"]);
  await clock.pass(1);
  await next;
  expect(events.at(-1)).toBe("second score");
});

test("scored chunks follow each other where no other call evaluates, and a failed or aborted one delays no other", async () => {
  const scheduler = createPrefillScheduler({ chunkTokens: 64, clock: createClock() });
  const events: number[] = [];
  const score = (read: (tokens: number) => Promise<unknown>, signal = never) =>
    scheduler.takeScoredTurn({ signal, call: {}, tokensLeft: 100, read });
  const failing = score(async () => {
    throw new Error("broken");
  });
  await expect(failing).rejects.toThrow("broken");
  await expect(score(async () => {}, AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  for (const index of [1, 2, 3]) await score(async () => events.push(index));
  expect(events).toEqual([1, 2, 3]);
});

test("a call that aborts while waiting gets no turn, and a failed read passes the turn on", async () => {
  const { scheduler, readAll, chunks } = createReader();
  const failing = scheduler.takeTurn({
    signal: never,
    call: {},
    tokensLeft: 10,
    read: async () => {
      throw new Error("broken");
    },
  });
  const controller = new AbortController();
  const impatient = scheduler.takeTurn({
    signal: controller.signal,
    call: {},
    tokensLeft: 10,
    read: async () => "read",
  });
  const patient = readAll("c", 10);
  controller.abort(new Error("gone"));
  await expect(failing).rejects.toThrow("broken");
  await expect(impatient).rejects.toThrow("gone");
  await patient;
  expect(chunks).toEqual([["c", 10]]);
});

test("all chunks have the same size but the last, which is one chunk and what is left", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), async (total) => {
      const { readAll, sizes } = createReader();
      await readAll("a", total);
      expect(
        sizes()
          .slice(0, -1)
          .every((size) => size === 64),
      ).toBe(true);
      expect(sizes().at(-1)).toBe(total < 64 ? total : 64 + (total % 64));
    }),
  );
});

test("no token is sampled while a chunk is read, and every stream samples one before the next chunk", async () => {
  const { scheduler } = createReader();
  const events: string[] = [];
  const read = async (name: string) =>
    scheduler.takeTurn({
      signal: never,
      call: {},
      tokensLeft: 1,
      async read() {
        events.push(`${name} starts`);
        await new Promise((resolve) => setTimeout(resolve, 2));
        events.push(`${name} ends`);
      },
    });
  const step = async (name: string) => scheduler.runDecodeStep(async () => events.push(name));
  const first = read("chunk 1");
  await Promise.resolve();
  const rest = [read("chunk 2"), step("a"), step("b")];
  await Promise.all([first, ...rest]);
  expect(events).toEqual(["chunk 1 starts", "chunk 1 ends", "a", "b", "chunk 2 starts", "chunk 2 ends"]);
});

test("a chunk that is requested when another ends waits for the decode steps that were waiting for that one", async () => {
  const { scheduler } = createReader();
  const events: string[] = [];
  const take = (work: () => Promise<unknown>) =>
    scheduler.takeTurn({ signal: never, call: {}, tokensLeft: 1, read: work });
  const chunkMayEnd = Promise.withResolvers<void>();
  const drawMayEnd = Promise.withResolvers<void>();
  const first = take(() => chunkMayEnd.promise);
  await nextRound();
  const step = scheduler.runDecodeStep(async () => {
    events.push("step starts");
    await drawMayEnd.promise;
    events.push("step ends");
  });
  const second = take(async () => events.push("chunk"));
  chunkMayEnd.resolve();
  await first;
  await nextRound();
  expect(events).toEqual(["step starts"]);
  drawMayEnd.resolve();
  await Promise.all([step, second]);
  expect(events).toEqual(["step starts", "step ends", "chunk"]);
});

test("exclusive work sees the decode steps that the last one has admitted, even if requested before they resume", async () => {
  const phases = createPhases();
  const events: string[] = [];
  const chunk = Promise.withResolvers<void>();
  const alone = phases.runAlone(() => chunk.promise);
  const next = chunk.promise.then(() => phases.runAlone(async () => events.push("chunk")));
  const step = phases.runBeside(async () => {
    events.push("step starts");
    await nextRound();
    events.push("step ends");
  });
  chunk.resolve();
  await Promise.all([alone, step, next]);
  expect(events).toEqual(["step starts", "step ends", "chunk"]);
});

test("a chunk waits for the decode steps in flight, also when one fails", async () => {
  const { scheduler } = createReader();
  const events: string[] = [];
  const failing = scheduler.runDecodeStep(async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    events.push("step fails");
    throw new Error("broken");
  });
  const reading = scheduler.takeTurn({
    signal: never,
    call: {},
    tokensLeft: 1,
    read: async () => events.push("chunk"),
  });
  await expect(failing).rejects.toThrow("broken");
  await reading;
  expect(events).toEqual(["step fails", "chunk"]);
});
