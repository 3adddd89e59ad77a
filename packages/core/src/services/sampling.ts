/** From what a caller asks for to how tokens are drawn; every choice of a call has a seed of its own. */

import { randomInt } from "node:crypto";
import type { Sampling } from "../engine/chat-engine.ts";

const SEED_RANGE = 2 ** 32;

/** As `Sampling`, its seed not chosen yet. */
export type WantedSampling = Omit<Sampling, "seed"> & {
  /** Null for a random one. Any safe integer; used modulo 2³². */
  readonly seed: number | null;
};

export function buildSampling(wanted: WantedSampling): Sampling {
  return {
    temperature: wanted.temperature,
    topP: wanted.topP,
    presencePenalty: wanted.presencePenalty,
    frequencyPenalty: wanted.frequencyPenalty,
    seed: wrapSeed(wanted.seed ?? randomInt(SEED_RANGE)),
    logitBias: wanted.logitBias,
  };
}

/** That of a later choice: the seeds of a call follow each other. */
export function shiftSeed(sampling: Sampling, index: number): Sampling {
  return { ...sampling, seed: wrapSeed(sampling.seed + index) };
}

function wrapSeed(seed: number): number {
  return ((seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE;
}
