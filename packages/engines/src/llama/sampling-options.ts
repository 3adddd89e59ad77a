/** Maps the service's sampling to the native sampler's options, naming every one: the native defaults differ. */

import type { Sampling } from "@openai-compat/core";
import type { LlamaModel, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { refuseBias } from "../shared/refuse-bias.ts";
import type { NativeModule } from "./native-runtime.ts";

export interface SamplingContext {
  readonly module: NativeModule;
  readonly model: LlamaModel;
  readonly isToken: (id: number) => id is Token;
  readonly candidateTokensMax: number;
}

const BIAS_NEVER = -100;
/** Window of the repeat penalty, as in llama.cpp: over a longer text it would penalise every common word. */
const REPEATED_TOKENS = 64;

/**
 * `sampledTokens` is read before each decode step; the caller appends to it.
 *
 * @throws AiError `invalid_value` for a biased id that is no token of the model, or one that ends a turn: the native
 *   sampler can't bias those.
 */
export function mapSampling(
  sampling: Sampling,
  { sampledTokens, tokensMax }: { sampledTokens: Token[]; tokensMax: number },
  context: SamplingContext,
): SequenceEvaluateOptions {
  const { presencePenalty, frequencyPenalty } = sampling;
  const countsAll = presencePenalty !== 0 || frequencyPenalty !== 0;
  return {
    temperature: sampling.temperature,
    topK: limitCandidates(sampling.topK, context.candidateTokensMax),
    topP: sampling.topP,
    minP: sampling.minP,
    seed: sampling.seed,
    ...(hasPenalties(sampling) && {
      repeatPenalty: {
        penalty: sampling.repeatPenalty,
        presencePenalty,
        frequencyPenalty,
        punishTokens: () => (countsAll ? sampledTokens : sampledTokens.slice(-REPEATED_TOKENS)),
        maxPunishTokens: countsAll ? tokensMax : REPEATED_TOKENS,
      },
    }),
    ...(Object.keys(sampling.logitBias).length > 0 && { tokenBias: mapLogitBias(sampling.logitBias, context) }),
  };
}

/** Whether the sampled tokens must be kept. */
export function hasPenalties(sampling: Sampling): boolean {
  return sampling.presencePenalty !== 0 || sampling.frequencyPenalty !== 0 || sampling.repeatPenalty !== 1;
}

/** 0 is no limit, of either. */
function limitCandidates(topK: number, candidateTokensMax: number): number {
  if (topK === 0 || candidateTokensMax === 0) return Math.max(topK, candidateTokensMax);
  return Math.min(topK, candidateTokensMax);
}

function mapLogitBias(logitBias: Sampling["logitBias"], { module, model, isToken }: SamplingContext) {
  const tokenBias = module.TokenBias.for(model);
  for (const [id, bias] of Object.entries(logitBias)) {
    const token = Number(id);
    if (!isToken(token)) throw refuseBias(id, "is not a token of this model");
    if (model.isEogToken(token)) throw refuseBias(id, "ends the answer and can't be biased");
    tokenBias.set([token], bias <= BIAS_NEVER ? "never" : { logit: bias });
  }
  return tokenBias;
}
