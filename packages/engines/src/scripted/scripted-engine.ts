/**
 * A chat engine without weights: deterministic, and it implements the whole engine contract, so that a server, a client
 * or a test can run the whole protocol in milliseconds. Its text says that it is scripted.
 */

import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { createWorkSlices } from "@openai-compat/core";
import type {
  ChatEngine,
  FinishReason,
  GenerationOptions,
  GenerationEvent,
  GenerationRequest,
  SchemaRelaxation,
} from "@openai-compat/core";
import { compileOutput } from "../grammar/output-schemas.ts";
import { createAnswerText } from "../shared/answer-text.ts";
import { assertFitsContext } from "../shared/context-limit.ts";
import { examineOptions } from "../shared/examine-options.ts";
import { createRunningCalls } from "./running-calls.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { biasTokens, checkBias } from "./scripted-bias.ts";
import { inventLogprob } from "./scripted-logprobs.ts";
import { fitTokens } from "./scripted-json.ts";
import type { ConstrainedText } from "./scripted-json.ts";
import { composeContinuation } from "./scripted-reply.ts";
import { composeScript } from "./scripted-script.ts";
import type { Script, ScriptedCall } from "./scripted-script.ts";
import { encodePlainText, refuseSuffix, scorePrompt } from "./scripted-text.ts";
import { decodeToken, encodeConversation, encodeText } from "./scripted-tokens.ts";

export interface ScriptedEngineSettings {
  /** Prompt and completion together. Default 4,096. */
  readonly contextTokens?: number;
  /** Concurrent generations; further ones are queued. Default 4. */
  readonly concurrency?: number;
  /** Pause before each token of the answer. Default 0: one turn of the event loop. */
  readonly tokenDelayMs?: number;
  /** Pause for each 64 tokens of the prompt that are not cached. Default 0. */
  readonly promptChunkDelayMs?: number;
}

interface Slot {
  /** The last prompt: its common prefix with the next one counts as cached. */
  tokens: readonly number[];
}

const PROMPT_CHUNK_TOKENS = 64;

/**
 * Counts word-like tokens, honours `tokensMax`, stop strings, a bias of -100 (the token is never sampled) or 100 (no
 * other is), JSON schemas and tools (`scripted-script.ts`); seed, temperature and nucleus choose the wording, other
 * biases and penalties change nothing, and probabilities are invented.
 */
export function createScriptedEngine(settings: ScriptedEngineSettings = {}): ChatEngine {
  const { contextTokens = 4096, concurrency = 4, tokenDelayMs = 0, promptChunkDelayMs = 0 } = settings;
  const slots = createSlotPool(Array.from({ length: concurrency }, (): Slot => ({ tokens: [] })));
  const running = createRunningCalls();

  async function* generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    assertFitsContext(request, contextTokens);
    const end = running.begin();
    try {
      const { tokens } = request.prompt;
      const slot = await slots.acquire(signal, (free) => chooseSlot(free, tokens));
      try {
        const keptTokens = Math.min(countCommonPrefix(slot.tokens, tokens), tokens.length - 1);
        // To be scored, a prompt has to be read.
        const cachedTokens = request.scoresPrompt ? 0 : keptTokens;
        await readPrompt(slot, { tokens, cachedTokens }, { signal, delayMs: promptChunkDelayMs });
        yield { type: "generation-start", cachedTokens };
        if (request.scoresPrompt) yield { type: "prompt-end", logprobs: scorePrompt(request) };
        yield* speak(request, { signal, delayMs: tokenDelayMs });
      } finally {
        slots.release(slot);
      }
    } finally {
      end();
    }
  }

  return {
    type: "chat",
    limits: { contextTokens, concurrency },
    async prepare({ messages, options }, signal) {
      signal.throwIfAborted();
      const tokens = await encodeConversation(messages, createWorkSlices({ signal }));
      return { tokens, contextTokens, ...(await examineOptions(() => check(options))) };
    },
    async prepareText({ text, suffix, options }, signal) {
      signal.throwIfAborted();
      if (suffix !== null) throw refuseSuffix();
      const tokenised = await encodePlainText(text, createWorkSlices({ signal }));
      return { ...tokenised, contextTokens, ...(await examineOptions(() => check(options))) };
    },
    generate,
    close: () => running.ended(),
  };
}

async function check({ sampling, output }: GenerationOptions): Promise<readonly SchemaRelaxation[]> {
  checkBias(sampling.logitBias);
  return (await compileOutput(output)).relaxed;
}

async function readPrompt(
  slot: Slot,
  { tokens, cachedTokens }: { tokens: readonly number[]; cachedTokens: number },
  pace: Pace,
): Promise<void> {
  for (let read = cachedTokens; read < tokens.length; read += PROMPT_CHUNK_TOKENS) {
    slot.tokens = tokens.slice(0, read);
    await pause(pace);
  }
  slot.tokens = tokens;
}

async function* speak(request: GenerationRequest, pace: Pace): AsyncGenerator<GenerationEvent, void> {
  const script: Script =
    request.style === "text"
      ? {
          type: "answer",
          answer: { text: composeContinuation(request.prompt.tokens, request.sampling), grammar: null },
        }
      : composeScript(request.prompt.tokens, request, await compileOutput(request.output));
  if (script.type === "calls") yield* call(script.calls, request, pace);
  else yield* say(script.answer, request, pace);
}

async function* say(
  { text, grammar }: ConstrainedText,
  request: GenerationRequest,
  pace: Pace,
): AsyncGenerator<GenerationEvent, void> {
  const { sampling, tokensMax, topLogprobs } = request;
  const tokens = biasTokens(encodeText(text), sampling.logitBias, grammar !== null);
  const said = fitTokens(tokens, grammar, tokensMax);
  const answer = createAnswerText(request.stop);
  let completionTokens = 0;
  for (const token of said.tokens) {
    await pause(pace);
    completionTokens += 1;
    const spoken = decodeToken(token);
    const delta = answer.push(spoken, topLogprobs === null ? null : inventLogprob(spoken, topLogprobs));
    if (delta !== null) yield { type: "text-delta", ...delta, completionTokens };
    if (answer.stopped) break;
  }
  const rest = answer.end();
  if (rest !== null) yield { type: "text-delta", ...rest, completionTokens };
  const finishReason = !answer.stopped && said.end !== "whole" ? "length" : "stop";
  yield { type: "generation-end", finishReason, completionTokens, reasoningTokens: 0 };
}

/** A call's name costs one token. */
async function* call(
  calls: readonly ScriptedCall[],
  { tokensMax }: GenerationRequest,
  pace: Pace,
): AsyncGenerator<GenerationEvent, void> {
  let completionTokens = 0;
  let finishReason: FinishReason = "tool-calls";
  for (const {
    name,
    arguments: { text, grammar },
  } of calls) {
    const said = fitTokens(encodeText(text), grammar, Math.max(0, tokensMax - completionTokens - 1));
    // Only the first call may be cut, where there is no room for it at all; one that is left out cuts none of the
    // others.
    if (said.end === "cut" && completionTokens > 0) break;
    if (said.end !== "whole") finishReason = "length";
    await pause(pace);
    completionTokens += 1;
    yield { type: "tool-call-start", name, completionTokens };
    for (const token of said.tokens) {
      await pause(pace);
      completionTokens += 1;
      yield { type: "tool-call-delta", text: decodeToken(token), completionTokens };
    }
    if (finishReason === "length") break;
  }
  yield { type: "generation-end", finishReason, completionTokens, reasoningTokens: 0 };
}

interface Pace {
  readonly signal: AbortSignal;
  readonly delayMs: number;
}

async function pause({ signal, delayMs }: Pace): Promise<void> {
  signal.throwIfAborted();
  try {
    await (delayMs === 0 ? nextTurn() : delay(delayMs, undefined, { signal }));
  } finally {
    signal.throwIfAborted();
  }
}

function chooseSlot(free: readonly Slot[], tokens: readonly number[]): Slot {
  return free.reduce((best, slot) =>
    countCommonPrefix(slot.tokens, tokens) > countCommonPrefix(best.tokens, tokens) ? slot : best,
  );
}

function countCommonPrefix(left: readonly number[], right: readonly number[]): number {
  const different = left.findIndex((token, index) => token !== right[index]);
  return different === -1 ? left.length : different;
}
