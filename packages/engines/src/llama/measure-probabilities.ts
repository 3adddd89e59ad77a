/**
 * Replaces the probabilities that a decode step returns by the model's own, before any sampling option changed them,
 * and returns only as many as can be requested. The library itself returns what its sampler has left of the vocabulary,
 * or all of it: tens of milliseconds for each token.
 */

import type { NativeContext, NativeSample, NativeSampler, NativeSamplerConfig, SampleToken } from "./native-context.ts";
import { assertNativeSample } from "./native-context.ts";

/** OpenAI's API returns at most 20 next to the sampled one. */
const TOP_LOGPROBS_MAX = 20;
/** Raises any token above all others, by little enough that a 32-bit logit keeps its digits. */
const RAISED_LOGIT = 80;

const GREEDY: NativeSamplerConfig = { temperature: 0, topK: 1, topP: 1, minP: 0, seed: 0 };
const LIKELY: NativeSamplerConfig = { temperature: 1, topK: TOP_LOGPROBS_MAX, topP: 1, minP: 0, seed: 0 };
/** For a token that is not among the likeliest: it is raised to the first place, and the likeliest comes second. */
const PAIR: NativeSamplerConfig = { ...LIKELY, topK: 2 };

/** @returns frees the samplers; call when no decode step follows. */
export function measureProbabilities(
  native: Pick<NativeContext, "sampleToken">,
  createSampler: () => NativeSampler,
): () => void {
  const sampleToken = native.sampleToken.bind(native);
  let samplers: Samplers | null = null;
  // oxlint-disable-next-line max-params -- node-llama-cpp calls it so
  const value: SampleToken = async (row, sampler, probabilities, confidence) => {
    if (probabilities !== true) return sampleToken(row, sampler, probabilities, confidence);
    const sampled: unknown = await sampleToken(row, sampler);
    if (typeof sampled !== "number" || sampled < 0) return [sampled];
    samplers ??= createSamplers(createSampler);
    return [sampled, await measure(sampled, { row, samplers, sampleToken })];
  };
  Object.defineProperty(native, "sampleToken", { value, configurable: true });
  return () => {
    for (const sampler of Object.values(samplers ?? {})) sampler.dispose();
    samplers = null;
  };
}

interface Samplers {
  readonly greedy: NativeSampler;
  readonly likely: NativeSampler;
  readonly pair: NativeSampler;
  readonly [name: string]: NativeSampler;
}

function createSamplers(create: () => NativeSampler): Samplers {
  const open = (config: NativeSamplerConfig) => {
    const sampler = create();
    sampler.applyConfig(config);
    return sampler;
  };
  return { greedy: open(GREEDY), likely: open(LIKELY), pair: open(PAIR) };
}

interface Row {
  readonly row: number;
  readonly samplers: Samplers;
  readonly sampleToken: SampleToken;
}

/** Ids and probabilities alternating, as the library returns them: the sampled token first, then the likeliest. */
async function measure(sampled: number, { row, samplers, sampleToken }: Row): Promise<number[]> {
  const ask = async (...request: Parameters<SampleToken>): Promise<NativeSample> => {
    const answer: unknown = await sampleToken(...request);
    assertNativeSample(answer);
    return answer;
  };
  const [likeliest, , confidence = 0] = await ask(row, samplers.greedy, false, true);
  const [, pairs = []] = await ask(row, samplers.likely, true, false);
  // They are shares of what the sampler has kept; of one of them the share of the whole is known.
  const share = confidence / (findProbability(pairs, likeliest) ?? confidence);
  const known = findProbability(pairs, sampled);
  const measured = [sampled, known === null ? confidence * (await compare(sampled)) : known * share];
  for (let at = 0; at < Math.min(pairs.length, 2 * TOP_LOGPROBS_MAX); at += 2) {
    measured.push(pairs[at] ?? 0, (pairs[at + 1] ?? 0) * share);
  }
  return measured;

  /** How likely a token is, the likeliest being 1. */
  async function compare(token: number): Promise<number> {
    samplers.pair.applyConfig({
      ...PAIR,
      tokenBiasKeys: Uint32Array.of(token),
      tokenBiasValues: Float32Array.of(RAISED_LOGIT),
    });
    const [, raised = []] = await ask(row, samplers.pair, true, false);
    const ratio = (findProbability(raised, token) ?? 0) / (findProbability(raised, likeliest) ?? 1);
    return ratio * Math.exp(-RAISED_LOGIT);
  }
}

function findProbability(pairs: readonly number[], token: number): number | null {
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at] === token) return pairs[at + 1] ?? null;
  return null;
}
