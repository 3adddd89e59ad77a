/**
 * A chat engine without weights: deterministic, honest about what it is, and a full citizen of the engine contract, so
 * that a server, a client or a test can watch the whole protocol in milliseconds.
 */

import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { ChatEngine, FinishReason, GenerationEvent, GenerationRequest } from "@openai-compat/core";
import { assertFitsContext } from "../shared/context-limit.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { createStopFilter } from "../shared/stop-filter.ts";
import { composeReply } from "./scripted-reply.ts";
import { decodeToken, encodeConversation, encodeText } from "./scripted-tokens.ts";

export interface ScriptedEngineSettings {
  /** Prompt and completion together. Default 4,096. */
  readonly contextTokens?: number;
  /** Generations side by side; more wait. Default 4. */
  readonly concurrency?: number;
  /** Pause before each token of the answer. Default 0: only the event loop gets its turn. */
  readonly tokenDelayMs?: number;
  /** Pause for each 64 tokens of the prompt that are not cached. Default 0. */
  readonly promptChunkDelayMs?: number;
}

interface Slot {
  /** The prompt that was read last: its common prefix with the next one counts as cached. */
  tokens: readonly number[];
}

const PROMPT_CHUNK_TOKENS = 64;
const BIAS_NEVER = -100;

/**
 * Counts word-like tokens, honours `tokensMax`, stop strings and a bias of -100 (a word that is never said); seed and
 * temperature choose the wording, penalties change nothing.
 */
export function createScriptedEngine(settings: ScriptedEngineSettings = {}): ChatEngine {
  const { contextTokens = 4096, concurrency = 4, tokenDelayMs = 0, promptChunkDelayMs = 0 } = settings;
  const slots = createSlotPool(Array.from({ length: concurrency }, (): Slot => ({ tokens: [] })));
  const running = new Set<Promise<void>>();

  async function* generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    assertFitsContext(request, contextTokens);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    running.add(ended);
    try {
      const { tokens } = request.prompt;
      const slot = await slots.acquire(signal, (free) => chooseSlot(free, tokens));
      try {
        const cachedTokens = Math.min(countCommonPrefix(slot.tokens, tokens), tokens.length - 1);
        await readPrompt(slot, { tokens, cachedTokens }, { signal, delayMs: promptChunkDelayMs });
        yield { type: "generation-start", cachedTokens };
        yield* speak(request, { signal, delayMs: tokenDelayMs });
      } finally {
        slots.release(slot);
      }
    } finally {
      running.delete(ended);
      end();
    }
  }

  return {
    type: "chat",
    limits: { contextTokens, concurrency },
    async prepare(messages, signal) {
      signal.throwIfAborted();
      return { tokens: encodeConversation(messages) };
    },
    // Every bias is honoured as far as it can be: an id that is no token of the script biases nothing.
    checkSampling: async () => {},
    generate,
    async close() {
      await Promise.all(running);
    },
  };
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
  const { sampling } = request;
  const reply = encodeText(composeReply(request.prompt.tokens, sampling)).filter(
    (token) => (sampling.logitBias[token] ?? 0) > BIAS_NEVER,
  );
  const filter = createStopFilter(request.stop);
  let completionTokens = 0;
  let finishReason: FinishReason = "stop";
  for (const token of reply) {
    if (completionTokens === request.tokensMax) {
      finishReason = "length";
      break;
    }
    await pause(pace);
    completionTokens += 1;
    const text = filter.push(decodeToken(token));
    if (text !== "") yield { type: "text-delta", text, completionTokens };
    if (filter.stopped) break;
  }
  const rest = filter.end();
  if (rest !== "") yield { type: "text-delta", text: rest, completionTokens };
  yield { type: "generation-end", finishReason, completionTokens };
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
