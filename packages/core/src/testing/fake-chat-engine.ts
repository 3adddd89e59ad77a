/** An engine for core's own tests: says the words it was given, one per delta, and reports what it was asked. */

import { encodeAiError } from "../ai-error-data.ts";
import { AiError } from "../ai-error.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type {
  ChatEngine,
  Sampling,
  GenerationEvent,
  GenerationRequest,
  ModelLeases,
  PreparedPrompt,
  PromptLogprob,
  TokenLogprob,
} from "../engine/chat-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";

/** The one id that the fake refuses to bias. */
export const NO_TOKEN = 999_999;

export interface FakeChatEngineOptions {
  readonly words?: readonly string[];
  readonly concurrency?: number;
  readonly contextTokens?: number;
  /** Default: none. */
  readonly leases?: ModelLeases;
  /** Called before each word; throw to break the engine, await to slow it. */
  readonly beforeWord?: (index: number, signal: AbortSignal) => Promise<void> | void;
}

export interface FakeChatEngine extends ChatEngine {
  readonly requests: GenerationRequest[];
  /** Generations that have started and not ended. */
  readonly running: () => number;
  readonly closed: () => boolean;
}

/** One token per word of the messages. */
export function createFakeChatEngine(options: FakeChatEngineOptions = {}): FakeChatEngine {
  const requests: GenerationRequest[] = [];
  let running = 0;
  let closed = false;
  const { contextTokens = 64 } = options;
  const words = options.words ?? ["Hello", " world"];
  return {
    type: "chat",
    limits: { contextTokens, concurrency: options.concurrency ?? 2 },
    ...(options.leases !== undefined && { leases: options.leases }),
    requests,
    running: () => running,
    closed: () => closed,
    async prepare({ messages, options: { sampling } }) {
      const text = messages.map((message) => message.content).join(" ");
      return { tokens: text.split(" ").map((_, index) => index), contextTokens, ...checkBias(sampling) };
    },
    async prepareText({ text, suffix, options: { sampling } }) {
      if (suffix !== null) throw new AiError("unsupported_parameter", "No suffixes.", { param: "suffix" });
      const tokens = typeof text === "string" ? text.split(" ").map((_, index) => index) : text;
      const plainText = typeof text === "string" ? text : text.join(" ");
      const place = { text: plainText, textStart: 0, textEnd: tokens.length };
      return { tokens, ...place, contextTokens, ...checkBias(sampling) };
    },
    async *generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent> {
      requests.push(request);
      running += 1;
      try {
        yield { type: "generation-start", cachedTokens: 3 };
        if (request.scoresPrompt) yield { type: "prompt-end", logprobs: request.prompt.tokens.map(scoreToken) };
        const spoken = words.slice(0, request.tokensMax);
        for (const [index, text] of spoken.entries()) {
          await options.beforeWord?.(index, signal);
          signal.throwIfAborted();
          const logprobs = request.topLogprobs === null ? {} : { logprobs: [describeWord(text, index)] };
          yield { type: "text-delta", text, completionTokens: index + 1, ...logprobs };
        }
        const finishReason = spoken.length < words.length ? "length" : "stop";
        yield { type: "generation-end", finishReason, completionTokens: spoken.length, reasoningTokens: 0 };
      } finally {
        running -= 1;
      }
    },
    async close() {
      closed = true;
    },
  };
}

function checkBias({ logitBias }: Sampling): Pick<PreparedPrompt, "relaxed" | "refusal"> {
  const isRefused = Object.hasOwn(logitBias, NO_TOKEN);
  const refusal = new AiError("invalid_value", "There is no such token.", { param: "logit_bias" });
  return { relaxed: [], refusal: isRefused ? encodeAiError(refusal) : null };
}

function scoreToken(token: number, index: number): PromptLogprob {
  const described = { ...describeWord(String(token), index), top: [] };
  return index === 0 ? { ...described, logprob: null } : described;
}

function describeWord(text: string, index: number): TokenLogprob {
  return { text, bytes: [...Buffer.from(text)], logprob: -index, top: [] };
}

export function fakeModel(engine: ChatEngine, overrides: Partial<RegisteredModel> = {}): RegisteredModel {
  return {
    id: "fake",
    name: "Fake",
    type: "chat",
    ownedBy: "tests",
    createdAtMs: 0,
    engine,
    queue: { waitingMax: 2, waitTimeMsMax: 1000 },
    prices: FREE_OF_CHARGE,
    isDefault: true,
    ...overrides,
  };
}
