/** Resolves the requested sampling options; every choice of a call has a seed of its own. */

import { randomInt } from "node:crypto";
import type { RecommendedSampling, Sampling } from "../engine/chat-engine.ts";

const SEED_RANGE = 2 ** 32;

/** What OpenAI's API documents, and for what it does not have, what changes nothing. */
const API_DEFAULTS = { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1 };

/** As `Sampling`, its seed not chosen yet. Null or absent where the caller says nothing. */
export interface WantedSampling extends Pick<Sampling, "presencePenalty" | "frequencyPenalty" | "logitBias"> {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK?: number | null;
  readonly minP?: number | null;
  readonly repeatPenalty?: number | null;
  /** Null for a random one. Any safe integer; used modulo 2³². */
  readonly seed: number | null;
}

/**
 * What the caller says, else what is recommended for the model, else the API's default. Who asks for the likeliest
 * tokens, with a temperature of 0, gets them: nothing that is recommended changes that. Other penalties of the caller
 * take the place of a recommended one.
 */
export function buildSampling(wanted: WantedSampling, recommended: RecommendedSampling = {}): Sampling {
  const { presencePenalty, frequencyPenalty, logitBias } = wanted;
  const fallBack = (key: keyof RecommendedSampling): number =>
    (wanted.temperature === 0 ? undefined : recommended[key]) ?? API_DEFAULTS[key];
  const hasPenalty = presencePenalty !== 0 || frequencyPenalty !== 0;
  return {
    temperature: wanted.temperature ?? fallBack("temperature"),
    topP: wanted.topP ?? fallBack("topP"),
    topK: wanted.topK ?? fallBack("topK"),
    minP: wanted.minP ?? fallBack("minP"),
    repeatPenalty: wanted.repeatPenalty ?? (hasPenalty ? API_DEFAULTS.repeatPenalty : fallBack("repeatPenalty")),
    presencePenalty,
    frequencyPenalty,
    seed: wrapSeed(wanted.seed ?? randomInt(SEED_RANGE)),
    logitBias,
  };
}

/** That of a later choice: the seeds of a call follow each other. */
export function shiftSeed(sampling: Sampling, index: number): Sampling {
  return { ...sampling, seed: wrapSeed(sampling.seed + index) };
}

function wrapSeed(seed: number): number {
  return ((seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE;
}
