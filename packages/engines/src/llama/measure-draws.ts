/**
 * Makes a draw that asks for probabilities tell those of the model, before any sampling option changed them, and only
 * the few that can be asked for. The library itself would tell what its sampler has left of the vocabulary, or all of it:
 * tens of milliseconds for each token.
 */

import type { NativeContext, NativeDraw, NativeSampler, NativeSamplerConfig, SampleToken } from "./native-context.ts";
import { assertNativeDraw } from "./native-context.ts";

/** OpenAI tells at most 20 beside the drawn one. */
const TOLD_MAX = 20;
/** Raises any token above all others, by little enough that a 32-bit logit keeps its digits. */
const RAISED_LOGIT = 80;

const GREEDY: NativeSamplerConfig = { temperature: 0, topK: 1, topP: 1, minP: 0, seed: 0 };
const LIKELY: NativeSamplerConfig = { temperature: 1, topK: TOLD_MAX, topP: 1, minP: 0, seed: 0 };
/** For a token that is not among the likely: it is raised to the first place, and the likeliest comes second. */
const PAIR: NativeSamplerConfig = { ...LIKELY, topK: 2 };

/** @returns frees what the measuring needs; call when nothing is drawn any more. */
export function measureDraws(native: NativeContext, createSampler: () => NativeSampler): () => void {
  const sampleToken = native.sampleToken.bind(native);
  let samplers: Samplers | null = null;
  const value: SampleToken = async (row, sampler, probabilities, confidence) => {
    if (probabilities !== true) return sampleToken(row, sampler, probabilities, confidence);
    const drawn: unknown = await sampleToken(row, sampler);
    if (typeof drawn !== "number" || drawn < 0) return [drawn];
    samplers ??= createSamplers(createSampler);
    return [drawn, await measure(drawn, { row, samplers, sampleToken })];
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

/** Ids and probabilities in turns, as the library has them: the drawn token first, then the likeliest. */
async function measure(drawn: number, { row, samplers, sampleToken }: Row): Promise<number[]> {
  const ask = async (...request: Parameters<SampleToken>): Promise<NativeDraw> => {
    const answer: unknown = await sampleToken(...request);
    assertNativeDraw(answer);
    return answer;
  };
  const [likeliest, , confidence = 0] = await ask(row, samplers.greedy, false, true);
  const [, pairs = []] = await ask(row, samplers.likely, true, false);
  // They are shares of what the sampler has kept; of one of them the share of the whole is known.
  const share = confidence / (findProbability(pairs, likeliest) ?? confidence);
  const known = findProbability(pairs, drawn);
  const told = [drawn, known === null ? confidence * (await compare(drawn)) : known * share];
  for (let at = 0; at < Math.min(pairs.length, 2 * TOLD_MAX); at += 2) {
    told.push(pairs[at] ?? 0, (pairs[at + 1] ?? 0) * share);
  }
  return told;

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
