/**
 * One generation on one sequence: keeps what is in memory of the prompt, reads the rest in turns with
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
import { applyPrefix, noteChunks, planPrefix } from "./prefix-reuse.ts";
import type { ReusingPrompt } from "./prefix-reuse.ts";
import { hasPenalties } from "./sampling-options.ts";
import { scorePrompt } from "./score-prompt.ts";
import { createTokenText } from "./token-text.ts";

export interface Generation extends ReusingPrompt {
  readonly request: GenerationRequest;
  /** Appended to when penalties need it; `options` reads it. */
  readonly sampledTokens: Token[];
  /** A fresh reader. */
  readonly reader: AnswerReader;
  /** Null for free text. */
  readonly constraint: Constraint | null;
  readonly options: SequenceEvaluateOptions;
}

interface Running {
  readonly generation: Generation;
  readonly turn: Turn;
}

type Evaluation = AsyncGenerator<SampledToken, void, void | Token | Token[]>;

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

interface FirstToken {
  readonly evaluation: Evaluation;
  readonly sampled: SampledToken;
}

/**
 * The last chunk also samples the first token: with it, the whole prompt has been read. The sequence gets its prefix in the
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
      if (isReproducible) noteChunks(loaded, sequence);
      return null;
    }
    const evaluation: Evaluation =
      request.topLogprobs === null
        ? sequence.evaluateWithMetadata(chunk, {}, options)
        : sequence.evaluateWithMetadata(chunk, { probabilities: true }, options);
    return { evaluation, sampled: await sampleNext(evaluation) };
  };
  const { tokens: start } = planPrefix(loaded, sequence, generation);
  const first = await loaded.scheduler.takeTurn({
    ...turn,
    isReproducible,
    tokensLeft: tokens.length - start,
    async read(count) {
      // What others hold may have changed since the turn was asked for.
      const plan = planPrefix(loaded, sequence, generation);
      const { kept, hasCopied } = await applyPrefix(loaded, sequence, { prompt: generation, plan });
      // Where another number of tokens is kept, other chunks are due.
      const isReady = !hasCopied && kept === start;
      return { keptTokens: kept, token: isReady ? await readChunk(count) : null };
    },
  });
  let { token } = first;
  while (token === null) {
    const tokensLeft = tokens.length - sequence.nextTokenIndex;
    token = await loaded.scheduler.takeTurn({ ...turn, isReproducible, tokensLeft, read: readChunk });
  }
  return { ...token, keptTokens: first.keptTokens };
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
