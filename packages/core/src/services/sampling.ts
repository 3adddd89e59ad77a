/** Resolves the requested sampling options; every choice of a call has a seed of its own. */

import { randomInt } from "node:crypto";
import type { RecommendedSampling, Sampling } from "../engine/chat-engine.ts";

const SEED_RANGE = 2 ** 32;

/** What OpenAI's API documents, and for what it does not have, what changes nothing. */
const API_DEFAULTS = { temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1 };

/** Sampling options as requested: `Sampling` before defaults and seed. Null or absent where the request has none. */
export interface SamplingOptions extends Pick<Sampling, "presencePenalty" | "frequencyPenalty" | "logitBias"> {
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK?: number | null;
  readonly minP?: number | null;
  readonly repeatPenalty?: number | null;
  /** Null for a random one. Any safe integer; used modulo 2³². */
  readonly seed: number | null;
}

/**
 * Resolves each option: the requested value, else the one recommended for the model, else the API's default. At a
 * requested temperature of 0 no recommendation applies, so the likeliest token is always taken. A requested penalty
 * replaces a recommended one.
 */
export function buildSampling(requested: SamplingOptions, recommended: RecommendedSampling = {}): Sampling {
  const { presencePenalty, frequencyPenalty, logitBias } = requested;
  const fallBack = (key: keyof RecommendedSampling): number =>
    (requested.temperature === 0 ? undefined : recommended[key]) ?? API_DEFAULTS[key];
  const hasPenalty = presencePenalty !== 0 || frequencyPenalty !== 0;
  return {
    ...resolveTemperature(requested, recommended),
    topK: requested.topK ?? fallBack("topK"),
    minP: requested.minP ?? fallBack("minP"),
    repeatPenalty: requested.repeatPenalty ?? (hasPenalty ? API_DEFAULTS.repeatPenalty : fallBack("repeatPenalty")),
    presencePenalty,
    frequencyPenalty,
    seed: wrapSeed(requested.seed ?? randomInt(SEED_RANGE)),
    logitBias,
  };
}

/** What an answer says of its sampling. It needs no seed, so that it is known before the call runs. */
export function resolveTemperature(
  { temperature, topP }: Pick<SamplingOptions, "temperature" | "topP">,
  recommended: RecommendedSampling = {},
): Pick<Sampling, "temperature" | "topP"> {
  const ofModel = temperature === 0 ? {} : recommended;
  return {
    temperature: temperature ?? ofModel.temperature ?? API_DEFAULTS.temperature,
    topP: topP ?? ofModel.topP ?? API_DEFAULTS.topP,
  };
}

/** A seed asks for the same text each time; temperature 0 alone does not. */
export function isReproducible(requested: SamplingOptions): boolean {
  return requested.seed !== null;
}

/** The sampling of a later choice: the seeds of a call are consecutive. */
export function shiftSeed(sampling: Sampling, index: number): Sampling {
  return { ...sampling, seed: wrapSeed(sampling.seed + index) };
}

function wrapSeed(seed: number): number {
  return ((seed % SEED_RANGE) + SEED_RANGE) % SEED_RANGE;
}
