import { setImmediate as nextRound } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createEvaluationScheduler } from "./evaluation-scheduler.ts";
import type { EvaluationSchedulerOptions } from "./evaluation-scheduler.ts";

const never = new AbortController().signal;

/** Of a call that shares the engine with nobody. */
const newTurn = (signal = never) => ({ signal, call: {}, share: {}, isReproducible: true });

const createScheduler = (options: Partial<EvaluationSchedulerOptions> = {}) =>
  createEvaluationScheduler({
    chunkTokens: 64,
    chunkTokensMax: 1024,
    streamGapMs: 120,
    evaluatedMs: () => 0,
    ...options,
  });

function createReader() {
  const scheduler = createScheduler();
  const chunks: [string, number][] = [];
  const readAll = async (name: string, total: number, call: object = {}) => {
    for (let left = total; left > 0;) {
      left -= await scheduler.takeTurn({
        signal: never,
        call,
        share: "all",
        isReproducible: true,
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

test("turns go round among prompts of one length, one chunk at a time", async () => {
  const { readAll, chunks } = createReader();
  await Promise.all([readAll("a", 192), readAll("b", 192)]);
  expect(chunks.map(([name]) => name)).toEqual(["a", "a", "b", "a", "b", "b"]);
});

test("short prompts are read before long ones, and every third chunk is that of the prompt that has waited longest", async () => {
  const { readAll, chunks } = createReader();
  await Promise.all([readAll("long", 256), ...["b", "c", "d"].map((name) => readAll(name, 64))]);
  expect(chunks.map(([name]) => name)).toEqual(["b", "c", "long", "d", "long", "long", "long"]);
});

test("turns go round among the calls, whatever number of prompts each has", async () => {
  const { readAll, chunks } = createReader();
  const [many, few] = [{}, {}];
  await Promise.all([
    ...["a1", "a2", "a3", "a4"].map((name) => readAll(name, 128, many)),
    ...["b1", "b2"].map((name) => readAll(name, 128, few)),
  ]);
  const names = chunks.map(([name]) => name);
  expect(names.slice(0, 4)).toEqual(["a1", "b1", "a2", "b2"]);
  expect(names.lastIndexOf("b2")).toBeLessThan(8);
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
  const scheduler = createScheduler({ clock });
  const events: string[] = [];
  const step = (name: string) =>
    scheduler.runDecodeStep({ ...newTurn(), sequenceNumber: 0 }, async () => events.push(name));
  const score = (name: string, meanwhile: () => Promise<unknown>) =>
    scheduler.takeScoredTurn({
      ...newTurn(),
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
  const scheduler = createScheduler({ clock: createClock() });
  const events: number[] = [];
  const score = (read: (tokens: number) => Promise<unknown>, signal = never) =>
    scheduler.takeScoredTurn({ ...newTurn(signal), tokensLeft: 100, read });
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
    ...newTurn(),
    tokensLeft: 10,
    read: async () => {
      throw new Error("broken");
    },
  });
  const controller = new AbortController();
  const impatient = scheduler.takeTurn({
    ...newTurn(controller.signal),
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

test("all chunks of a reproducible prompt have the same size but the last, which is one chunk and what is left", async () => {
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
      ...newTurn(),
      tokensLeft: 1,
      async read() {
        events.push(`${name} starts`);
        await new Promise((resolve) => setTimeout(resolve, 2));
        events.push(`${name} ends`);
      },
    });
  const step = async (name: string) =>
    scheduler.runDecodeStep({ ...newTurn(), sequenceNumber: 0 }, async () => events.push(name));
  const first = read("chunk 1");
  await Promise.resolve();
  const rest = [read("chunk 2"), step("a"), step("b")];
  await Promise.all([first, ...rest]);
  expect(events).toEqual(["chunk 1 starts", "chunk 1 ends", "a", "b", "chunk 2 starts", "chunk 2 ends"]);
});

test("a chunk that is requested when another ends waits for the decode steps that were waiting for that one", async () => {
  const { scheduler } = createReader();
  const events: string[] = [];
  const take = (work: () => Promise<unknown>) => scheduler.takeTurn({ ...newTurn(), tokensLeft: 1, read: work });
  const chunkMayEnd = Promise.withResolvers<void>();
  const drawMayEnd = Promise.withResolvers<void>();
  const first = take(() => chunkMayEnd.promise);
  await nextRound();
  const step = scheduler.runDecodeStep({ ...newTurn(), sequenceNumber: 0 }, async () => {
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

test("a chunk waits for the decode steps in flight, also when one fails", async () => {
  const { scheduler } = createReader();
  const events: string[] = [];
  const failing = scheduler.runDecodeStep({ ...newTurn(), sequenceNumber: 0 }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 2));
    events.push("step fails");
    throw new Error("broken");
  });
  await nextRound();
  const reading = scheduler.takeTurn({
    ...newTurn(),
    tokensLeft: 1,
    read: async () => events.push("chunk"),
  });
  await expect(failing).rejects.toThrow("broken");
  await reading;
  expect(events).toEqual(["step fails", "chunk"]);
});

/** Streams whose evaluations take as long as the curve says, by their number of rows. */
function runStreams(sequences: readonly number[], curve: Readonly<Record<number, number>>) {
  let evaluated = 0;
  let open = 0;
  const scheduler = createScheduler({ evaluatedMs: () => evaluated });
  const evaluations: number[][] = [];
  const sample = async (sequenceNumber: number, steps: number) => {
    const turn = { ...newTurn(), sequenceNumber };
    for (let at = 0; at < steps; at += 1) {
      await scheduler.runDecodeStep(turn, async () => {
        if (open === 0) evaluations.push([]);
        evaluations.at(-1)?.push(sequenceNumber);
        open += 1;
        await nextRound();
        // The first to resume counts the evaluation, once for all.
        const rows = evaluations.at(-1)?.length ?? 0;
        if (open === rows) evaluated += curve[rows] ?? 0;
        open -= 1;
      });
    }
  };
  return { evaluations, run: (steps: number) => Promise.all(sequences.map((sequence) => sample(sequence, steps))) };
}

const countRows = (evaluations: readonly number[][], rows: number) =>
  evaluations.filter(({ length }) => length === rows).length;

test("few rows are evaluated one by one where that costs less, each stream in its turn", async () => {
  const { evaluations, run } = runStreams([0, 1], { 1: 10, 2: 30 });
  await run(60);
  // While it is measured, and one in a hundred after that.
  expect(countRows(evaluations, 2)).toBeLessThanOrEqual(5);
  expect(evaluations.slice(10, 16)).toEqual([[0], [1], [0], [1], [0], [1]]);
});

test("rows of consecutive sequences are evaluated together where that costs less, and each evaluation holds all of them", async () => {
  const { evaluations, run } = runStreams([2, 0, 3, 1], { 1: 10, 4: 20 });
  await run(60);
  expect(evaluations.slice(20, 30)).toEqual(Array.from({ length: 10 }, () => [0, 1, 2, 3]));
});

test("a decode step that aborts while it waits is not called", async () => {
  const { scheduler } = createReader();
  const chunkMayEnd = Promise.withResolvers<void>();
  const chunk = scheduler.takeTurn({ ...newTurn(), tokensLeft: 1, read: () => chunkMayEnd.promise });
  await nextRound();
  const controller = new AbortController();
  const events: string[] = [];
  const step = (signal: AbortSignal) =>
    scheduler.runDecodeStep({ ...newTurn(signal), sequenceNumber: 0 }, async () => events.push("step"));
  const gone = step(controller.signal);
  const stays = step(never);
  controller.abort(new Error("gone"));
  await expect(gone).rejects.toThrow("gone");
  chunkMayEnd.resolve();
  await Promise.all([chunk, stays]);
  expect(events).toEqual(["step"]);
});

const STEP_MS = 10;
const PROMPT_TOKEN_MS = 2;

/** Streams that sample all the time while others' prompts are read one after the other, on a clock of their own. */
async function readBesideStreams({ streams, streamGapMs }: { readonly streams: number; readonly streamGapMs: number }) {
  const clock = createClock();
  let evaluated = 0;
  const scheduler = createScheduler({ streamGapMs, clock, evaluatedMs: () => evaluated });
  const evaluate = async (ms: number) => {
    evaluated += ms;
    await clock.pass(ms);
  };
  const reading = new AbortController();
  const gaps: number[] = [];
  const chunks: number[] = [];
  const sample = async (sequenceNumber: number) => {
    let last: number | null = null;
    while (!reading.signal.aborted) {
      await scheduler.runDecodeStep({ ...newTurn(), sequenceNumber: 2 * sequenceNumber }, () => evaluate(STEP_MS));
      if (last !== null) gaps.push(clock.now() - last);
      last = clock.now();
    }
  };
  const running = Array.from({ length: streams }, (_, index) => sample(index));
  for (const total of [64, 900, 400]) {
    const turn = { ...newTurn(), isReproducible: false };
    for (let left = total; left > 0;) {
      left -= await scheduler.takeTurn({
        ...turn,
        tokensLeft: left,
        async read(tokens) {
          chunks.push(tokens);
          await evaluate(tokens * PROMPT_TOKEN_MS);
          return tokens;
        },
      });
    }
  }
  reading.abort();
  await Promise.all(running);
  return { longestGapMs: Math.max(...gaps.slice(4 * streams)), chunks };
}

test.each([
  [1, 80],
  [4, 80],
  [4, 120],
  [8, 150],
])("tokens of %i streams are at most %i ms apart while prompts are read, if that is the setting", async (...given) => {
  const [streams, streamGapMs] = given;
  const { longestGapMs, chunks } = await readBesideStreams({ streams, streamGapMs });
  // The first chunk came before anything was measured.
  expect(Math.max(...chunks.slice(1)) * PROMPT_TOKEN_MS).toBeLessThanOrEqual(streamGapMs - streams * STEP_MS + 1);
  expect(longestGapMs).toBeLessThanOrEqual(streamGapMs + STEP_MS);
});

test("prompts have a quarter of the gap, however many streams there are", async () => {
  const { chunks } = await readBesideStreams({ streams: 16, streamGapMs: 160 });
  expect(Math.max(...chunks.slice(1)) * PROMPT_TOKEN_MS).toBe(40);
});

test("a prompt alone is read in chunks of a quarter of a second, and of half of that beside another", async () => {
  const clock = createClock();
  let evaluated = 0;
  const scheduler = createScheduler({ clock, evaluatedMs: () => evaluated });
  const readAll = async (total: number) => {
    const sizes: number[] = [];
    const turn = { ...newTurn(), isReproducible: false };
    for (let left = total; left > 0; left -= sizes.at(-1) ?? 0) {
      await scheduler.takeTurn({
        ...turn,
        tokensLeft: left,
        async read(tokens) {
          sizes.push(tokens);
          evaluated += tokens * PROMPT_TOKEN_MS;
          await clock.pass(tokens * PROMPT_TOKEN_MS);
        },
      });
    }
    return sizes;
  };
  expect(await readAll(560)).toEqual([64, 124, 124, 124, 124]);
  const [first, second] = await Promise.all([readAll(500), readAll(250)]);
  expect(Math.max(...first.slice(0, 3), ...second.slice(0, 3))).toBe(64);
  expect(first.at(-1)).toBeGreaterThan(64);
});
