/**
 * Scores a prompt: the probability of each token given those before it. The whole prompt is read again, because only a
 * row that is read has probabilities.
 */

import type { GenerationRequest, PromptLogprob } from "@openai-compat/core";
import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from "node-llama-cpp";
import { describeSampledToken } from "./describe-sampled-token.ts";
import { eraseTokens } from "./erase-tokens.ts";
import { noteChunks } from "./prefix-reuse.ts";
import { SCORED_TOKENS_MAX } from "./loaded-model.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { biasAnyToken } from "./native-context.ts";
import type { Turn } from "./evaluation-scheduler.ts";

export interface PromptToScore {
  /** At least one. */
  readonly tokens: readonly Token[];
  readonly request: GenerationRequest;
  readonly turn: Turn;
}

/**
 * Afterwards the sequence holds the prompt without its last token, its whole chunks marked as such.
 */
export async function scorePrompt(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { tokens, request, turn }: PromptToScore,
): Promise<readonly PromptLogprob[]> {
  const { topLogprobs } = request;
  await eraseTokens(loaded, sequence, { start: 0, ...turn });
  loaded.memories.set(sequence, { owner: request.shareId, readInChunks: 0 });
  const scores: PromptLogprob[] = tokens
    .slice(0, 1)
    .map((token) => ({ ...loaded.decodeToken(token), logprob: null, top: [] }));
  while (scores.length < tokens.length) {
    const first = scores.length - 1;
    await loaded.scheduler.takeScoredTurn({
      ...turn,
      tokensLeft: Math.min(SCORED_TOKENS_MAX, tokens.length - 1 - first),
      async read(count) {
        const rows = tokens.slice(first, first + count);
        const followers = tokens.slice(first + 1, first + 1 + count);
        const evaluated = await sequence.controlledEvaluate(
          rows.map((row, at) => askAbout(loaded, row, followers[at])),
        );
        for (const [at, token] of followers.entries()) {
          const next = evaluated[at]?.next;
          if (next?.token !== token || next.probabilities === undefined) {
            throw new Error("The native evaluation returned no probability of a prompt's token.");
          }
          const score = describeSampledToken(loaded, { token, probabilities: next.probabilities }, topLogprobs ?? 0);
          if (score !== null) scores.push(score);
        }
        // The last chunk may be larger than the others: its rows are not those of a cold run.
        if (count === loaded.chunkTokens) noteChunks(loaded, sequence);
      },
    });
  }
  return scores;
}

/** Above any logit of a model. */
const CERTAIN_LOGIT = 1e6;

/**
 * Makes the row sample the token that really follows it: a sampled token has its probabilities returned
 * (`measure-probabilities.ts`).
 */
function askAbout(
  { module, model }: LoadedModel,
  row: Token,
  follower: Token | undefined,
): ControlledEvaluateInputItem {
  if (follower === undefined) return row;
  const tokenBias = biasAnyToken(module.TokenBias.for(model), follower, CERTAIN_LOGIT);
  const options = { temperature: 0, topK: 1, topP: 1, minP: 0, tokenBias };
  return [row, { generateNext: { token: true, probabilities: true, options } }];
}
