/**
 * One generation on one sequence: keeps what the sequence already holds of the prompt, reads the rest in turns with
 * other prompts, then draws token by token. The draws of different sequences share one batch of the native library.
 */

import type { FinishReason, GenerationEvent, GenerationRequest } from "@openai-compat/core";
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { createStopFilter } from "../shared/stop-filter.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { hasPenalties } from "./sampling-options.ts";
import { createTokenText } from "./token-text.ts";

export interface Generation {
  readonly request: GenerationRequest;
  readonly tokens: Token[];
  /** Appended to when penalties need it; `options` reads it. */
  readonly drawn: Token[];
  readonly options: SequenceEvaluateOptions;
}

type Draws = AsyncGenerator<{ readonly token: Token }, void, void | Token | Token[]>;

/** Prefers the sequence that already holds most of the prompt, else the longest unused, whose memory is missed least. */
export function chooseSequence(
  loaded: LoadedModel,
  free: readonly LlamaContextSequence[],
  tokens: readonly Token[],
): LlamaContextSequence | undefined {
  let best = free[0];
  let mostTokens = tokens.length / 2;
  for (const sequence of free) {
    const reusable = countReusable(loaded, sequence, tokens);
    if (reusable > mostTokens) {
      best = sequence;
      mostTokens = reusable;
    }
  }
  return best;
}

/** Runs the generation on a sequence that nobody else uses, and leaves it usable for the next one. */
export async function* runGeneration(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { generation, signal }: { generation: Generation; signal: AbortSignal },
): AsyncGenerator<GenerationEvent, void> {
  const cachedTokens = await keepPrefix(loaded, sequence, generation.tokens);
  const { draws, token } = await readPrompt(loaded, sequence, { generation, signal });
  try {
    yield { type: "generation-start", cachedTokens };
    yield* drawTokens(loaded, { generation, signal, draws, firstToken: token });
  } finally {
    await draws.return();
  }
}

/**
 * How much of the prompt need not be read again. The last token always is, for its prediction. On a CPU only whole chunks
 * count that were read as such, and one chunk is always read again, so that every row is computed as in a cold run.
 */
function countReusable(loaded: LoadedModel, sequence: LlamaContextSequence, tokens: readonly Token[]): number {
  const common = sequence.compareContextTokens([...tokens]).firstDifferentIndex;
  if (!loaded.isReproducible) return Math.min(common, tokens.length - 1);
  const inChunks = Math.min(common, loaded.readInChunks.get(sequence) ?? 0, tokens.length - loaded.chunkTokens);
  return inChunks < loaded.chunkTokens ? 0 : inChunks - (inChunks % loaded.chunkTokens);
}

/** Cuts the sequence back to what the prompt can keep of it. */
async function keepPrefix(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
): Promise<number> {
  const reusable = countReusable(loaded, sequence, tokens);
  const held = sequence.nextTokenIndex;
  if (reusable < held) {
    const start = loaded.canCutBack ? reusable : 0;
    await sequence.eraseContextTokenRanges([{ start, end: held }]);
  }
  loaded.readInChunks.set(sequence, sequence.nextTokenIndex);
  return sequence.nextTokenIndex;
}

interface Running {
  readonly generation: Generation;
  readonly signal: AbortSignal;
}

/** The last chunk also draws the first token: the prompt has been read when it is there. */
async function readPrompt(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { generation, signal }: Running,
): Promise<{ draws: Draws; token: Token }> {
  const { tokens, options } = generation;
  for (;;) {
    const next = sequence.nextTokenIndex;
    const first = await loaded.prefill.takeTurn({
      signal,
      tokensLeft: tokens.length - next,
      async read(count) {
        const chunk = tokens.slice(next, next + count);
        if (next + count < tokens.length) {
          await sequence.evaluateWithoutGeneratingNewTokens(chunk);
          loaded.readInChunks.set(sequence, sequence.nextTokenIndex);
          return null;
        }
        const draws = sequence.evaluateWithMetadata(chunk, {}, options);
        return { draws, token: await drawNext(draws) };
      },
    });
    if (first !== null) return first;
  }
}

async function* drawTokens(
  loaded: LoadedModel,
  { generation, signal, draws, firstToken }: Running & { draws: Draws; firstToken: Token },
): AsyncGenerator<GenerationEvent, void> {
  const { request, tokens, drawn } = generation;
  const { model, isToken } = loaded;
  const tokenText = createTokenText(
    (part, before) => model.detokenize(part.filter(isToken), false, before.filter(isToken)),
    tokens,
  );
  const stopFilter = createStopFilter(request.stop);
  const keepsDrawn = hasPenalties(request.sampling);
  let finishReason: FinishReason = "stop";
  let completionTokens = 0;
  for (let token = firstToken; ; token = await loaded.prefill.takeDraw(() => drawNext(draws))) {
    signal.throwIfAborted();
    completionTokens += 1;
    if (model.isEogToken(token)) break;
    if (keepsDrawn) drawn.push(token);
    const text = stopFilter.push(tokenText.push(token));
    if (text !== "") yield { type: "text-delta", text, completionTokens };
    if (stopFilter.stopped) break;
    if (completionTokens === request.tokensMax) {
      finishReason = "length";
      break;
    }
  }
  const rest = stopFilter.end();
  if (rest !== "") yield { type: "text-delta", text: rest, completionTokens };
  yield { type: "generation-end", finishReason, completionTokens, reasoningTokens: 0 };
}

async function drawNext(draws: Draws): Promise<Token> {
  const draw = await draws.next();
  if (draw.done === true) throw new Error("The native evaluation ended without a token.");
  return draw.value.token;
}
