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
const PAUSE_SAMPLES = 300 * SAMPLES_PER_MS;
/** Nobody has spoken for so long: the text will not change any more. */
const SETTLED_SAMPLES = 1000 * SAMPLES_PER_MS;

export class LivePacing {
  #nextFromMs = 0;
  #startedMs = 0;
  /** Where the audio ended that was decoded last. */
  #decodedTo = 0;
  /** What was spoken last when it was decoded in a pause. */
  #finalTo = -1;

  /** Milliseconds until a pass may begin; infinite where that depends on more audio. */
  untilPassMs(growing: GrowingPart, nowMs: number): number {
    if (this.qualityOf(growing) === "final") return growing.spokenTo === this.#finalTo ? Infinity : 0;
    const { startSample, detectedTo } = growing;
    const dueFrom = Math.max(this.#decodedTo + NEW_SAMPLES_MIN, startSample + FIRST_SAMPLES_MIN);
    return detectedTo < dueFrom ? Infinity : Math.max(0, this.#nextFromMs - nowMs);
  }

  qualityOf({ spokenTo, detectedTo }: GrowingPart): PassQuality {
    return detectedTo - spokenTo >= PAUSE_SAMPLES ? "final" : "draft";
  }

  /** Whether the text of what was decoded in the pause that lasts can be relied on. */
  isSettled({ spokenTo, detectedTo }: GrowingPart): boolean {
    return detectedTo - spokenTo >= SETTLED_SAMPLES;
  }

  begin(growing: GrowingPart, nowMs: number): void {
    this.#startedMs = nowMs;
    this.#decodedTo = growing.detectedTo;
    if (this.qualityOf(growing) === "final") this.#finalTo = growing.spokenTo;
  }

  end(nowMs: number): void {
    this.#nextFromMs = this.#startedMs + TIME_PARTS * (nowMs - this.#startedMs);
  }
}
