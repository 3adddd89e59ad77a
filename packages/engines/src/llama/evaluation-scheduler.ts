/**
 * Schedules evaluations, one at a time. Prompts are read in chunks, and no token is sampled meanwhile: a chunk that
 * shared an evaluation with running streams would be cut by the library, which saves nothing. Between two chunks every
 * running stream samples one token, so the time of a chunk is what streams, aborts and new calls wait for. Streams
 * sample in turns, or together where that is cheaper.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 * @see docs/decisions/2026-11-29-few-rows-are-evaluated-one-by-one.md
 */

import { setTimeout as wait } from "node:timers/promises";
import { createSlotPool } from "../shared/slot-pool.ts";
import { createChunkSizes } from "./chunk-sizes.ts";
import type { Company } from "./chunk-sizes.ts";
import { EngineShares } from "./engine-shares.ts";
import type { ShareKey, Step } from "./engine-shares.ts";
import { createRowCosts } from "./row-costs.ts";

export interface EvaluationScheduler {
  /**
   * Waits for the turn and for the evaluation in flight, then calls `read` with the number of tokens to evaluate, at
   * most `tokensLeft`: as many as are read in the time that whoever waits can spare, measured as it goes.
   *
   * @throws the signal's reason when it aborts before the turn comes; what `read` throws
   */
  takeTurn<Result>(options: PromptTurn<Result>): Promise<Result>;
  /**
   * The same for a chunk of `chunkTokens` whose rows are scored, which takes a multiple of the time. If other calls asked to evaluate
   * meanwhile, no chunk is scored for the same time: so all scores together take half of the time, and a stream samples
   * many tokens between two scored chunks.
   */
  takeScoredTurn<Result>(options: PrefillTurn<Result>): Promise<Result>;
  /** The same for work that reads nothing and must not overlap a decode step. */
  runAlone<Result>(options: Turn, work: () => Promise<Result>): Promise<Result>;
  /**
   * Calls `step`, which is to evaluate one row, in its turn: alone, or together with the steps of other sequences.
   *
   * @throws the signal's reason when it aborts before the turn comes; what `step` throws
   */
  runDecodeStep<Result>(options: DecodeTurn, step: () => Promise<Result>): Promise<Result>;
}

export interface Turn {
  readonly signal: AbortSignal;
  /** Identifies the call: calls take turns, whatever number of prompts each has. */
  readonly call: object | string;
  /** Calls of the same one take turns as one. */
  readonly share: ShareKey;
}

export interface PrefillTurn<Result> extends Turn {
  readonly tokensLeft: number;
  readonly read: (tokens: number) => Promise<Result>;
}

export interface PromptTurn<Result> extends PrefillTurn<Result> {
  /** Whether every chunk has `chunkTokens` tokens, and the last one also the remainder, in any company. */
  readonly isReproducible: boolean;
}

export interface DecodeTurn extends Turn {
  /** Of its sequence in the native context, which evaluates rows of consecutive numbers together, and no others. */
  readonly sequenceNumber: number;
}

export interface EvaluationSchedulerOptions {
  /** Of a prompt that is read reproducibly, or scored. */
  readonly chunkTokens: number;
  /** The largest chunk that an evaluation has room for. */
  readonly chunkTokensMax: number;
  /** How long two tokens of a stream should be apart at most while prompts are read, in milliseconds. */
  readonly streamGapMs: number;
  /** Milliseconds that evaluations have taken so far, sampling not counted. */
  readonly evaluatedMs: () => number;
  /** Monotonic milliseconds, and a timer. Default: the system's clock. */
  readonly clock?: { readonly now: () => number; readonly wait: (ms: number) => Promise<unknown> };
}

/** What an abort waits for while nothing else runs, and a newcomer. */
const CHUNK_MS_ALONE = 250;
/** What each of several prompts waits for the others before its next chunk. */
const CHUNK_MS_BESIDE_PROMPTS = 125;
/** Prompts have at least this share of the time beside streams, however many those are. */
const SHARE_OF_GAP_MIN = 0.25;

const CLOCK = { now: () => performance.now(), wait: async (ms: number) => wait(ms) };

export function createEvaluationScheduler({
  chunkTokens,
  chunkTokensMax,
  streamGapMs,
  evaluatedMs,
  clock = CLOCK,
}: EvaluationSchedulerOptions): EvaluationScheduler {
  const evaluations = createEvaluations(clock.now, evaluatedMs);
  const sizes = createChunkSizes(chunkTokensMax);
  const scores = createSlotPool(["score"]);
  /** Counts requests for anything but a score. */
  let asked = 0;

  const countTokens = (tokensLeft: number) => (tokensLeft < 2 * chunkTokens ? tokensLeft : chunkTokens);

  function budget(company: Company): number {
    if (company === "none") return CHUNK_MS_ALONE;
    if (company === "prompts") return CHUNK_MS_BESIDE_PROMPTS;
    return Math.max(streamGapMs * SHARE_OF_GAP_MIN, streamGapMs - evaluations.roundMs());
  }

  async function readMeasured<Result>({ tokensLeft, read }: PromptTurn<Result>): Promise<Result> {
    const company = evaluations.company();
    const tokens = sizes.count(company, budget(company), tokensLeft);
    const evaluatedBefore = evaluatedMs();
    const result = await read(tokens);
    const tookMs = evaluatedMs() - evaluatedBefore;
    // A turn may have had other work.
    if (tookMs > 0) sizes.note(tokens, tookMs);
    return result;
  }

  return {
    async takeTurn(turn) {
      asked += 1;
      return evaluations.runAlone(turn, () =>
        turn.isReproducible ? turn.read(countTokens(turn.tokensLeft)) : readMeasured(turn),
      );
    },
    async takeScoredTurn({ tokensLeft, read, ...turn }) {
      const askedBefore = asked;
      const score = await scores.acquire(turn.signal);
      let tookMs = 0;
      try {
        return await evaluations.runAlone({ ...turn, tokensLeft }, async () => {
          const startedAt = clock.now();
          try {
            return await read(countTokens(tokensLeft));
          } finally {
            tookMs = clock.now() - startedAt;
          }
        });
      } finally {
        if (asked === askedBefore) scores.release(score);
        else void clock.wait(tookMs).then(() => scores.release(score));
      }
    },
    async runAlone(turn, work) {
      asked += 1;
      return evaluations.runAlone({ ...turn, tokensLeft: 0 }, work);
    },
    async runDecodeStep(turn, step) {
      asked += 1;
      return evaluations.runStep(turn, step);
    },
  };
}

type ChunkTurn = Turn & Pick<PrefillTurn<unknown>, "tokensLeft">;

interface Evaluations {
  readonly runAlone: <Result>(turn: ChunkTurn, work: () => Promise<Result>) => Promise<Result>;
  readonly runStep: <Result>(turn: DecodeTurn, work: () => Promise<Result>) => Promise<Result>;
  /** What waits. */
  readonly company: () => Company;
  /** How long the steps that wait will take, sampling included. */
  readonly roundMs: () => number;
}

/** Of the average time of a step, what each new one counts for. */
const STEP_WEIGHT = 0.1;

/** Starts the next evaluation when the last one has ended, and measures each. */
function createEvaluations(now: () => number, evaluatedMs: () => number): Evaluations {
  const shares = new EngineShares();
  const costs = createRowCosts();
  let isRunning = false;
  let isDue = false;
  /** Average time of a step, sampling included. */
  let stepMs = 0;

  function noteStep(tookMs: number): void {
    stepMs = stepMs === 0 ? tookMs : stepMs + STEP_WEIGHT * (tookMs - stepMs);
  }

  /** After what the end of an evaluation resumes: a stream that goes on at once is to be in the queue by then. */
  function startSoon(): void {
    if (isRunning || isDue) return;
    isDue = true;
    process.nextTick(() => {
      isDue = false;
      start();
    });
  }

  function start(): void {
    const chunk = shares.takeChunk();
    if (chunk !== null) {
      void evaluate([chunk.begin], (tookMs) => shares.chargeChunk(chunk.share, tookMs));
      return;
    }
    const steps = shares.takeSteps((count) => costs.isCheaperTogether(count));
    if (steps.length === 0) return;
    const evaluatedBefore = evaluatedMs();
    void evaluate(
      steps.map(({ begin }) => begin),
      (tookMs) => {
        costs.note(steps.length, evaluatedMs() - evaluatedBefore);
        noteStep(tookMs / steps.length);
        shares.chargeSteps(steps, tookMs);
      },
    );
  }

  async function evaluate(begins: readonly (() => Promise<void>)[], onEnd: (tookMs: number) => void): Promise<void> {
    isRunning = true;
    const startedAt = now();
    // The order is that of the sequences.
    await Promise.all(begins.map(async (begin) => begin()));
    isRunning = false;
    onEnd(now() - startedAt);
    startSoon();
  }

  async function queue<Result>(signal: AbortSignal, work: () => Promise<Result>, join: Join): Promise<Result> {
    const result = waitInQueue(signal, work, join);
    startSoon();
    return result;
  }

  return {
    runAlone: ({ signal, call, share, tokensLeft }, work) =>
      queue(signal, work, (begin) => shares.addChunk({ share, call, tokensLeft, begin })),
    runStep: ({ signal, share, sequenceNumber }, work) =>
      queue(signal, work, (begin) => shares.addStep({ share, sequenceNumber, begin } satisfies Step)),
    company: () => (shares.waitingSteps > 0 ? "streams" : shares.hasChunks ? "prompts" : "none"),
    roundMs: () => shares.waitingSteps * stepMs,
  };
}

/** Adds the work to a queue. @returns removes it */
type Join = (begin: () => Promise<void>) => () => void;

/** @throws the signal's reason when it aborts before the work begins; what the work throws */
async function waitInQueue<Result>(signal: AbortSignal, work: () => Promise<Result>, join: Join): Promise<Result> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const leave = join(async () => {
      signal.removeEventListener("abort", onAbort);
      try {
        resolve(await work());
      } catch (error) {
        reject(error);
      }
    });
    const onAbort = () => {
      leave();
      const reason: unknown = signal.reason;
      reject(reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
