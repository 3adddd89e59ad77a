/**
 * What waits for an evaluation, by who shares the engine, and which comes next. Steps take turns: one of each share in
 * turn, those of one share in the order of their requests. Of the prompts of a share the shortest are read first, and in
 * every third turn the one that has waited longest. Shares are weighed by time: a share that has had more of the
 * engine than the others, while they waited, reads its next chunk when they have had as much.
 */

import { createCallQueue } from "./call-queue.ts";
import type { CallQueue } from "./call-queue.ts";

export type ShareKey = object | string;

export interface Chunk {
  readonly share: ShareKey;
  readonly call: object | string;
  /** Of its prompt. */
  readonly tokensLeft: number;
  /** Settles when the evaluation has ended, and never rejects. */
  readonly begin: () => Promise<void>;
}

export interface Step {
  readonly share: ShareKey;
  readonly sequenceNumber: number;
  /** As that of a chunk. */
  readonly begin: () => Promise<void>;
}

/**
 * What a share can save up while others evaluate and it does not: so much of a prompt is then read without pauses, and
 * one of the usual length has its first token as early as it can.
 */
const CREDIT_MS_MAX = 1000;

/** So many chunks in a row go to the shortest prompts of a share; then it is the turn of the one that waited longest. */
const SHORTEST_IN_A_ROW_MAX = 2;

interface Share {
  readonly key: ShareKey;
  /** Longest waiting first. */
  readonly steps: Set<Step>;
  readonly chunks: CallQueue<Chunk>;
  /** Chunks of shortest prompts since one was taken in turn. */
  shortestInARow: number;
  /** What it has had while others waited, less what they have had. At most the time of a chunk. */
  aheadMs: number;
}

export class EngineShares {
  /** Least recently sampled first. One that is not here has all the credit there is. */
  readonly #shares = new Map<ShareKey, Share>();
  /** Those that waited when the last chunk ended. */
  #due = new Set<Step>();
  #isAfterChunk = false;
  /** Of the last chunk. */
  #chunkMs = 0;

  /** @returns removes it, as long as it waits */
  addChunk(chunk: Chunk): () => void {
    const { chunks } = this.#open(chunk.share);
    chunks.add(chunk.call, chunk);
    return () => chunks.remove(chunk.call, chunk);
  }

  /** As `addChunk`. */
  addStep(step: Step): () => void {
    this.#open(step.share).steps.add(step);
    return () => this.#remove(step);
  }

  /** Null where steps come first, and where no chunk waits. Once it was taken, each step that then waits comes first. */
  takeChunk(): Chunk | null {
    if (this.#isAfterChunk) this.#due = new Set(this.#listSteps());
    this.#isAfterChunk = false;
    if (this.#due.size > 0) return null;
    const reader = this.#findReader();
    const chunk = reader === null ? null : takeChunkOf(reader);
    this.#isAfterChunk = chunk !== null;
    return chunk;
  }

  /**
   * One step, or those of consecutive sequences around it. None where none waits.
   *
   * @param isCheaperTogether called with the number of steps, if there are several.
   */
  takeSteps(isCheaperTogether: (count: number) => boolean): readonly Step[] {
    const next = this.#findStep();
    if (next === null) return [];
    const neighbours = listNeighbours(next, this.#listSteps());
    const taken = neighbours.length > 1 && isCheaperTogether(neighbours.length) ? neighbours : [next];
    for (const step of taken) this.#remove(step);
    return taken;
  }

  chargeChunk(key: ShareKey, tookMs: number): void {
    this.#chunkMs = tookMs;
    this.#charge(tookMs, (share) => (share.key === key ? 1 : 0));
  }

  chargeSteps(steps: readonly Step[], tookMs: number): void {
    this.#charge(tookMs, ({ key }) => steps.filter((step) => step.share === key).length / steps.length);
  }

  get waitingSteps(): number {
    return this.#listSteps().length;
  }

  get hasChunks(): boolean {
    return [...this.#shares.values()].some(({ chunks }) => !chunks.isEmpty);
  }

  #open(key: ShareKey): Share {
    const known = this.#shares.get(key);
    if (known !== undefined) return known;
    const share: Share = {
      key,
      steps: new Set(),
      chunks: createCallQueue(),
      shortestInARow: 0,
      aheadMs: -CREDIT_MS_MAX,
    };
    this.#shares.set(key, share);
    return share;
  }

  #listSteps(): readonly Step[] {
    return [...this.#shares.values()].flatMap(({ steps }) => [...steps]);
  }

  #remove(step: Step): void {
    this.#shares.get(step.share)?.steps.delete(step);
    this.#due.delete(step);
  }

  /** The share whose chunk is next. */
  #findReader(): Share | null {
    let reader: Share | null = null;
    for (const share of this.#shares.values()) {
      if (!share.chunks.isEmpty && (reader === null || share.aheadMs < reader.aheadMs)) reader = share;
    }
    return reader === null || this.#isHeld(reader) ? null : reader;
  }

  /** The step whose turn it is: those of shares that are held only where there is no other. */
  #findStep(): Step | null {
    if (this.#due.size > 0) return this.#findFirst((step) => this.#due.has(step));
    return this.#findFirst((_, share) => !this.#isHeld(share)) ?? this.#findFirst(() => true);
  }

  #findFirst(isNext: (step: Step, share: Share) => boolean): Step | null {
    for (const share of this.#shares.values()) {
      for (const step of share.steps) {
        if (!isNext(step, share)) continue;
        this.#shares.delete(share.key);
        this.#shares.set(share.key, share);
        return step;
      }
    }
    return null;
  }

  /** Whether its next chunk, and with it its steps, are put off for the steps of others. */
  #isHeld(share: Share): boolean {
    return !share.chunks.isEmpty && share.aheadMs > 0 && this.#hasOther(share, hasSteps);
  }

  #hasOther(share: Share, is: (other: Share) => boolean): boolean {
    for (const other of this.#shares.values()) if (other !== share && is(other)) return true;
    return false;
  }

  /** @param part of the time that the share has had, 0 to 1 */
  #charge(tookMs: number, part: (share: Share) => number): void {
    for (const share of this.#shares.values()) {
      const own = this.#hasOther(share, isWaiting) ? part(share) : 0;
      const aheadMs = share.aheadMs + tookMs * (own - (1 - part(share)));
      share.aheadMs = Math.max(-CREDIT_MS_MAX, Math.min(this.#chunkMs, aheadMs));
      if (!isWaiting(share) && share.aheadMs === -CREDIT_MS_MAX) this.#shares.delete(share.key);
    }
  }
}

/** A short prompt does not wait for the whole of a long one, and a long one is not put off for ever. */
function takeChunkOf(share: Share): Chunk | null {
  share.shortestInARow = share.shortestInARow < SHORTEST_IN_A_ROW_MAX ? share.shortestInARow + 1 : 0;
  const chunk =
    share.shortestInARow === 0 ? share.chunks.take() : share.chunks.takeSmallest(({ tokensLeft }) => tokensLeft);
  return chunk ?? null;
}

const hasSteps = ({ steps }: Share) => steps.size > 0;
const isWaiting = (share: Share) => hasSteps(share) || !share.chunks.isEmpty;

/** The steps of consecutive sequences around one of them, in that order: they share an evaluation. */
function listNeighbours(step: Step, waiting: readonly Step[]): readonly Step[] {
  const byNumber = new Map(waiting.map((other) => [other.sequenceNumber, other]));
  const neighbours = [step];
  for (let at = step.sequenceNumber - 1; ; at -= 1) {
    const before = byNumber.get(at);
    if (before === undefined) break;
    neighbours.unshift(before);
  }
  for (let at = step.sequenceNumber + 1; ; at += 1) {
    const after = byNumber.get(at);
    if (after === undefined) return neighbours;
    neighbours.push(after);
  }
}
