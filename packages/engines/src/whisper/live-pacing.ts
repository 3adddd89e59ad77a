/**
 * When the audio of a turn is decoded though it still goes on. While somebody speaks, a draft is made of every so much
 * new audio, and less often where drafts take long; in a pause the text as it would be if the turn ended there.
 */

import type { GrowingPart } from "../vad/speech-parts.ts";

/** `final`: with all that the text of a turn's end is given. */
export type PassQuality = "draft" | "final";

const SAMPLES_PER_MS = 16;
const NEW_SAMPLES_MIN = 700 * SAMPLES_PER_MS;
/** Of less speech the model makes up more of the same. */
const FIRST_SAMPLES_MIN = 1200 * SAMPLES_PER_MS;
/** At most one part of this many of the time is spent on drafts of a turn, the waiting for others counted in. */
const TIME_PARTS = 2;
/** Nobody has spoken for so long: the turn may end. */
const PAUSE_MS = 300;
/** Nobody has spoken for so long: the text will not change any more. */
const SETTLED_MS = 1000;

/** Audio that comes so late may only be late: a network that falters is not silence yet. */
const LATE_MS = 2000;

/** How a part stands. */
export interface Growth {
  readonly growing: GrowingPart;
  /** How long no audio has come, in milliseconds. */
  readonly stalledMs: number;
}

export class LivePacing {
  #nextFromMs = 0;
  #startedMs = 0;
  /** Where the audio ended that was decoded last. */
  #decodedTo = 0;
  /** What was spoken last when it was decoded in a pause. */
  #finalTo = -1;

  /** Milliseconds until a pass may begin; infinite where that depends on more audio, or on a pause. */
  untilPassMs(growth: Growth, nowMs: number): number {
    const { startSample, detectedTo, spokenTo } = growth.growing;
    if (this.qualityOf(growth) === "final") return spokenTo === this.#finalTo ? Infinity : 0;
    const dueFrom = Math.max(this.#decodedTo + NEW_SAMPLES_MIN, startSample + FIRST_SAMPLES_MIN);
    return detectedTo < dueFrom ? Infinity : Math.max(0, this.#nextFromMs - nowMs);
  }

  /** Milliseconds until a pause is longer than what counts, where no audio comes. */
  untilPauseMs(growth: Growth): number {
    const quietMs = measureQuiet(growth);
    const next = [PAUSE_MS, SETTLED_MS].find((limitMs) => limitMs > quietMs) ?? Infinity;
    return Math.ceil(next - quietMs + Math.max(0, LATE_MS - growth.stalledMs));
  }

  qualityOf(growth: Growth): PassQuality {
    return measureQuiet(growth) >= PAUSE_MS ? "final" : "draft";
  }

  /** Whether the text of what was decoded in the pause that lasts can be relied on. */
  isSettled(growth: Growth): boolean {
    return measureQuiet(growth) >= SETTLED_MS;
  }

  /** Whether it can be relied on to its last word: that was heard to its end. */
  isSpokenOut({ growing }: Growth): boolean {
    return measureQuiet({ growing, stalledMs: 0 }) >= PAUSE_MS;
  }

  begin(growth: Growth, nowMs: number): void {
    this.#startedMs = nowMs;
    this.#decodedTo = growth.growing.detectedTo;
    if (this.qualityOf(growth) === "final") this.#finalTo = growth.growing.spokenTo;
  }

  end(nowMs: number): void {
    this.#nextFromMs = this.#startedMs + TIME_PARTS * (nowMs - this.#startedMs);
  }
}

function measureQuiet({ growing, stalledMs }: Growth): number {
  return (growing.detectedTo - growing.spokenTo) / SAMPLES_PER_MS + Math.max(0, stalledMs - LATE_MS);
}
