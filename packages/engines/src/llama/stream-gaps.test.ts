/**
 * How long a stream waits for its next token while prompts are read, whatever the machine's speed: the scheduler on a
 * clock of its own, with evaluations that take what a simple model of costs says.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { createEvaluationScheduler } from "./evaluation-scheduler.ts";

const never = new AbortController().signal;

/** Milliseconds. Rows that start in one round of the event loop share an evaluation, as in the native library. */
interface Machine {
  readonly evaluationMs: number;
  readonly rowMs: number;
  readonly tokenMs: number;
}

/** Where there is time for 48 tokens, 64 are read: fewer would take nearly as long. */
const CHUNK_EXCESS = 64 / 48;
/** Chunks of fewer are not read beside streams. */
const SMALLEST_CHUNK = 16;
/** Read before anything counts: costs are known after it. */
const LEARNT_FROM_TOKENS = 400;

function createMachine({ evaluationMs, rowMs, tokenMs }: Machine) {
  let nowMs = 0;
  let waiting: (() => void)[] = [];
  return {
    now: () => nowMs,
    async read(tokens: number): Promise<number> {
      nowMs += evaluationMs + tokens * tokenMs;
      await nextRound();
      return tokens;
    },
    /** Of one row. */
    async step(): Promise<void> {
      await new Promise<void>((resolve) => {
        if (waiting.length === 0) setImmediate(() => endSteps());
        waiting.push(resolve);
      });
    },
  };

  function endSteps(): void {
    nowMs += evaluationMs + waiting.length * rowMs;
    const ended = waiting;
    waiting = [];
    for (const resolve of ended) resolve();
  }
}

const nextRound = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Load {
  readonly streams: number;
  readonly streamGapMs: number;
  /** Tokens of each; all are sent at once, each by another account. */
  readonly prompts: readonly number[];
}

/** @returns the time between two tokens of a stream, each that was sampled while prompts were read */
async function listGaps(machine: Machine, { streams, streamGapMs, prompts }: Load): Promise<readonly number[]> {
  const { now, read, step } = createMachine(machine);
  const scheduler = createEvaluationScheduler({
    chunkTokens: 64,
    chunkTokensMax: 1024,
    streamGapMs,
    evaluatedMs: now,
    clock: { now, wait: nextRound },
  });
  const newTurn = () => ({ signal: never, call: {}, share: {} });
  const state = { isReading: true, counts: false };
  const gaps: number[] = [];
  const stream = async (sequenceNumber: number) => {
    const turn = { ...newTurn(), sequenceNumber };
    for (let last = Number.NaN; state.isReading;) {
      await scheduler.runDecodeStep(turn, step);
      if (state.counts && !Number.isNaN(last)) gaps.push(now() - last);
      last = now();
    }
  };
  const readPrompt = async (total: number) => {
    const turn = { ...newTurn(), isReproducible: false };
    for (let left = total; left > 0;) left -= await scheduler.takeTurn({ ...turn, tokensLeft: left, read });
  };
  const running = Array.from({ length: streams }, (_, index) => stream(index));
  await readPrompt(LEARNT_FROM_TOKENS);
  state.counts = true;
  await Promise.all(prompts.map(readPrompt));
  state.isReading = false;
  await Promise.all(running);
  return gaps;
}

const machines = fc.record({
  evaluationMs: fc.integer({ min: 1, max: 12 }),
  rowMs: fc.integer({ min: 1, max: 16 }),
  tokenMs: fc.integer({ min: 1, max: 6 }),
});

test("two tokens are apart by the setting, or by a step of each stream and a quarter of it, on machines of any speed", async () => {
  const loads = fc.record({
    streams: fc.integer({ min: 1, max: 8 }),
    streamGapMs: fc.integer({ min: 40, max: 400 }),
    prompts: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(machines, loads, async (machine, load) => {
      const { evaluationMs, rowMs, tokenMs } = machine;
      const stepMs = evaluationMs + rowMs;
      const smallestMs = evaluationMs + SMALLEST_CHUNK * tokenMs;
      const stepsMs = load.streams * stepMs;
      const chunkMs = Math.max(load.streamGapMs - stepsMs, load.streamGapMs / 4);
      const most = stepsMs + Math.max(CHUNK_EXCESS * chunkMs, smallestMs);
      // Where the number of rows in an evaluation changes, the first stream of a round may become the last of the next one.
      expect(Math.max(...(await listGaps(machine, load)))).toBeLessThanOrEqual(most + stepsMs);
    }),
    { numRuns: 150 },
  );
});

test("the gap follows the setting: where prompts have time for twice the tokens, they take it", async () => {
  const machine = { evaluationMs: 4, rowMs: 6, tokenMs: 2 };
  const longest = async (streamGapMs: number) =>
    Math.max(...(await listGaps(machine, { streams: 4, streamGapMs, prompts: [800] })));
  for (const streamGapMs of [100, 200, 400]) {
    const gapMs = await longest(streamGapMs);
    expect(gapMs).toBeGreaterThan(streamGapMs / 2);
    expect(gapMs).toBeLessThanOrEqual(streamGapMs + 20);
  }
});
