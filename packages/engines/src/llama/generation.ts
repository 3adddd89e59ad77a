/**
 * One generation on one sequence: keeps what the sequence already holds of the prompt, reads the rest in turns with
 * other prompts, then samples token by token, in turns with other generations.
 */

import type { FinishReason, GenerationEvent, GenerationRequest } from "@openai-compat/core";
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import type { AnswerReader } from "./answer-reader.ts";
import type { Constraint } from "./constraint.ts";
import { describeSampledToken } from "./describe-sampled-token.ts";
import type { SampledToken } from "./describe-sampled-token.ts";
import type { LoadedModel } from "./loaded-model.ts";
import type { DecodeTurn, Turn } from "./evaluation-scheduler.ts";
import { hasPenalties } from "./sampling-options.ts";
import { scorePrompt } from "./score-prompt.ts";
import { createTokenText } from "./token-text.ts";

export interface Generation {
  readonly request: GenerationRequest;
  readonly tokens: Token[];
  /** Appended to when penalties need it; `options` reads it. */
  readonly sampledTokens: Token[];
  /** A fresh reader. */
  readonly reader: AnswerReader;
  /** Whether the text must not depend on what the sequence holds or on what runs beside it. */
  readonly isReproducible: boolean;
  /** Null for free text. */
  readonly constraint: Constraint | null;
  readonly options: SequenceEvaluateOptions;
}

interface Running {
  readonly generation: Generation;
  readonly turn: Turn;
}

type Evaluation = AsyncGenerator<SampledToken, void, void | Token | Token[]>;

/** What a template writes at the beginning of every prompt: not worth the end of another conversation. */
const PREFIX_TOKENS_MIN = 24;

/**
 * Chooses the free sequence that shares the longest prefix with the prompt, else the least recently used one.
 *
 * @param free least recently used first
 */
export function chooseSequence(
  loaded: LoadedModel,
  free: readonly LlamaContextSequence[],
  prompt: ReusingPrompt,
): LlamaContextSequence | undefined {
  const [oldest] = free;
  if (oldest === undefined) return undefined;
  let best = oldest;
  let mostTokens = countReusable(loaded, oldest, prompt) + PREFIX_TOKENS_MIN;
  for (const sequence of free) {
    const reusable = countReusable(loaded, sequence, prompt);
    if (reusable > mostTokens) {
      best = sequence;
      mostTokens = reusable;
    }
  }
  return best;
}

/** Runs the generation on a sequence that no other generation uses, and leaves it reusable. */
export async function* runGeneration(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { generation, turn }: Running,
): AsyncGenerator<GenerationEvent, void> {
  const { request, tokens } = generation;
  const scores = request.scoresPrompt ? await scorePrompt(loaded, sequence, { tokens, request, turn }) : null;
  if (request.tokensMax === 0) {
    yield { type: "generation-start", cachedTokens: 0 };
    if (scores !== null) yield { type: "prompt-end", logprobs: scores };
    yield { type: "generation-end", finishReason: "length", completionTokens: 0, reasoningTokens: 0 };
    return;
  }
  const { evaluation, sampled, keptTokens } = await readPrompt(loaded, sequence, { generation, turn });
  // A scored prompt has been read for this call, so nothing of it counts as cached.
  const cachedTokens = scores === null ? keptTokens : 0;
  try {
    yield { type: "generation-start", cachedTokens };
    if (scores !== null) yield { type: "prompt-end", logprobs: scores };
    const decodeTurn = { ...turn, sequenceNumber: loaded.sequenceNumber(sequence) };
    yield* decodeTokens(loaded, { generation, turn: decodeTurn, evaluation, firstSampled: sampled });
  } finally {
    await evaluation.return();
  }
}

type ReusingPrompt = Pick<Generation, "tokens" | "isReproducible">;

/**
 * Number of prompt tokens that need not be read again. The last token always is, for its prediction. Of a reproducible
 * prompt only whole chunks count that were read as such, and one chunk is always read again, so that every row is
 * computed as in a cold run.
 */
function countReusable(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { tokens, isReproducible }: ReusingPrompt,
): number {
  const common = sequence.compareContextTokens(tokens).firstDifferentIndex;
  if (!isReproducible) return Math.min(common, tokens.length - 1);
  const inChunks = Math.min(common, loaded.readInChunks.get(sequence) ?? 0, tokens.length - loaded.chunkTokens);
  return inChunks < loaded.chunkTokens ? 0 : inChunks - (inChunks % loaded.chunkTokens);
}

/** Cuts the sequence back to the reusable prefix, in a turn of its prompt. @returns how many tokens it still holds. */
async function keepPrefix(loaded: LoadedModel, sequence: LlamaContextSequence, start: number): Promise<number> {
  const end = sequence.nextTokenIndex;
  if (start < end) await sequence.eraseContextTokenRanges([{ start, end }]);
  const kept = sequence.nextTokenIndex;
  loaded.readInChunks.set(sequence, Math.min(kept, loaded.readInChunks.get(sequence) ?? 0));
  return kept;
}

interface FirstToken {
  readonly evaluation: Evaluation;
  readonly sampled: SampledToken;
}

/**
 * The last chunk also samples the first token: with it, the whole prompt has been read. The sequence is cut back in the
 * turn of the first chunk: in one of its own the prompt would wait for one more decode step of the running streams.
 */
async function readPrompt(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { generation, turn }: Running,
): Promise<FirstToken & { readonly keptTokens: number }> {
  const { tokens, options, request, isReproducible } = generation;
  const readChunk = async (count: number): Promise<FirstToken | null> => {
    const next = sequence.nextTokenIndex;
    const chunk = tokens.slice(next, next + count);
    if (next + count < tokens.length) {
      await sequence.evaluateWithoutGeneratingNewTokens(chunk);
      if (isReproducible) loaded.readInChunks.set(sequence, sequence.nextTokenIndex);
      return null;
    }
    const evaluation: Evaluation =
      request.topLogprobs === null
        ? sequence.evaluateWithMetadata(chunk, {}, options)
        : sequence.evaluateWithMetadata(chunk, { probabilities: true }, options);
    return { evaluation, sampled: await sampleNext(evaluation) };
  };
  const start = findPrefixEnd(loaded, sequence, generation);
  const first = await loaded.scheduler.takeTurn({
    ...turn,
    isReproducible,
    tokensLeft: tokens.length - start,
    async read(count) {
      const kept = await keepPrefix(loaded, sequence, start);
      // Where the library had to erase more, other chunks are due.
      return { keptTokens: kept, token: kept === start ? await readChunk(count) : null };
    },
  });
  let { token } = first;
  while (token === null) {
    const tokensLeft = tokens.length - sequence.nextTokenIndex;
    token = await loaded.scheduler.takeTurn({ ...turn, isReproducible, tokensLeft, read: readChunk });
  }
  return { ...token, keptTokens: first.keptTokens };
}

/** Where the part of the sequence ends that the prompt can keep. */
function findPrefixEnd(loaded: LoadedModel, sequence: LlamaContextSequence, prompt: ReusingPrompt): number {
  const reusable = countReusable(loaded, sequence, prompt);
  return reusable < sequence.nextTokenIndex && !loaded.canCutBack ? 0 : reusable;
}

async function* decodeTokens(
  loaded: LoadedModel,
  {
    generation,
    turn,
    evaluation,
    firstSampled,
  }: { generation: Generation; turn: DecodeTurn; evaluation: Evaluation; firstSampled: SampledToken },
): AsyncGenerator<GenerationEvent, void> {
  const { request, tokens, sampledTokens, reader, constraint } = generation;
  const { model, isToken } = loaded;
  const tokenText = createTokenText(
    (part, before) => model.detokenize(part.filter(isToken), false, before.filter(isToken)),
    tokens,
  );
  const keepsSampled = hasPenalties(request.sampling);
  let finishReason: FinishReason = "stop";
  let completionTokens = 0;
  let reasoningTokens = 0;
  let token: Token | null = null;
  for (
    let sampled = firstSampled;
    ;
    sampled = await loaded.scheduler.runDecodeStep(turn, () => sampleNext(evaluation, token))
  ) {
    turn.signal.throwIfAborted();
    completionTokens += 1;
    const wasOpen = constraint?.state === "open";
    token =
      constraint === null ? sampled.token : constraint.choose(sampled.token, request.tokensMax - completionTokens);
    if (wasOpen && constraint?.state !== "open") tokenText.dropUnfinished();
    if (token === null) {
      // Only a further element had no room; the text itself was not cut.
      if (constraint?.isWhole !== true) finishReason = "length";
      break;
    }
    if (model.isEogToken(token)) break;
    if (keepsSampled) sampledTokens.push(token);
    if (reader.section === "reasoning") reasoningTokens += 1;
    for (const event of reader.push(
      tokenText.push(token),
      describeSampledToken(loaded, { ...sampled, token }, request.topLogprobs),
    )) {
      yield { ...event, completionTokens };
    }
    if (reader.stopped || reader.finished) break;
    if (completionTokens === request.tokensMax || constraint?.state === "closed") {
      finishReason = "length";
      break;
    }
  }
  for (const event of reader.end()) yield { ...event, completionTokens };
  if (finishReason === "stop" && reader.calls > 0) finishReason = "tool-calls";
  yield { type: "generation-end", finishReason, completionTokens, reasoningTokens };
}

/** @param previous the token that replaces the last sampled one; null to keep it. */
async function sampleNext(evaluation: Evaluation, previous: Token | null = null): Promise<SampledToken> {
  const sampled = await (previous === null ? evaluation.next() : evaluation.next(previous));
  if (sampled.done === true) throw new Error("The native evaluation ended without a token.");
  return sampled.value;
}
