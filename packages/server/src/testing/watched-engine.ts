/** A chat engine that generates until it is stopped and reports the number of running generations. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { ChatEngine } from "@openai-compat/core";

export interface WatchedEngineOptions {
  /** Reads the prompt for ever. */
  readonly waitsBeforeStart?: boolean;
  /** Said again and again. Default one word. */
  readonly text?: string;
  /** How often. Default: until it is stopped. */
  readonly count?: number;
}

export interface WatchedEngine extends ChatEngine {
  readonly running: () => number;
  /** How many deltas were made in all. */
  readonly said: () => number;
}

const CONTEXT_TOKENS = 4096;
const PROMPT = { tokens: [1, 2, 3], contextTokens: CONTEXT_TOKENS, relaxed: [], refusal: null };

export function createWatchedEngine(options: WatchedEngineOptions = {}): WatchedEngine {
  const { waitsBeforeStart = false, text = "word ", count = Number.POSITIVE_INFINITY } = options;
  let running = 0;
  let said = 0;
  return {
    type: "chat",
    limits: { contextTokens: CONTEXT_TOKENS, concurrency: 2 },
    running: () => running,
    said: () => said,
    prepare: async () => PROMPT,
    prepareText: async () => ({ ...PROMPT, text: "one two three", textStart: 0, textEnd: 3 }),
    async *generate(_request, signal) {
      running += 1;
      try {
        if (waitsBeforeStart) await untilAborted(signal);
        yield { type: "generation-start", cachedTokens: 0 };
        for (let index = 0; index < count; index += 1) {
          await nextTurn();
          signal.throwIfAborted();
          said += 1;
          yield { type: "text-delta", text, completionTokens: index + 1 };
        }
        yield { type: "generation-end", finishReason: "stop", completionTokens: count, reasoningTokens: 0 };
      } finally {
        running -= 1;
      }
    },
    close: async () => {},
  };
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const disconnect = () => reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    if (signal.aborted) disconnect();
    else signal.addEventListener("abort", disconnect, { once: true });
  });
}
