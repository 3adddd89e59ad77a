/** A chat call in the service's own terms: decoded, validated, with every default applied by the surface. */

import type { CallCheckpoint } from "../credits/call-checkpoint.ts";
import type { ChatMessage, FinishReason, Sampling, TokenLogprob } from "../engine/chat-engine.ts";
import type { ChatOutput, ChatTool, SchemaRelaxation } from "../engine/chat-output.ts";
import type { SamplingOptions } from "./sampling.ts";

export interface ChatRequest extends SamplingOptions {
  /** At least one. */
  readonly messages: readonly ChatMessage[];
  /** How many answers, 1 to 128. */
  readonly choices: number;
  /** Per choice; null for as many as the context holds. A limit beyond the context is cut to it. */
  readonly tokensMax: number | null;
  /** Up to four non-empty strings. */
  readonly stop: readonly string[];
  /** Whether the answer is to be sent piece by piece; it changes nothing in how it is made. */
  readonly stream: boolean;
  readonly output: ChatOutput;
  /** As in `GenerationOptions`. */
  readonly topLogprobs: number | null;
  /** Whether a conversation that is too long is answered without its oldest turns. Default: it is refused. */
  readonly isTruncated?: boolean;
}

/** Of a chat, and of a completion. */
export interface ChatUsage {
  /** Each prompt is counted once, however many choices it has. */
  readonly promptTokens: number;
  /** All choices together. */
  readonly completionTokens: number;
  /** Prompt tokens that were not evaluated again because an earlier call had left them in the engine's memory. */
  readonly cachedTokens: number;
  /** Of the completion tokens, those of the reasoning. */
  readonly reasoningTokens: number;
}

/**
 * For each choice, in this order: `choice-start`, any number of deltas, `choice-end`; choices interleave. `chat-end` is
 * the last event of all.
 */
export type ChatEvent =
  | { readonly type: "choice-start"; readonly index: number }
  | { readonly type: "reasoning-delta"; readonly index: number; readonly text: string }
  | {
      readonly type: "text-delta";
      readonly index: number;
      readonly text: string;
      readonly logprobs: readonly TokenLogprob[] | null;
    }
  /** `callIndex` counts the calls of a choice from 0. */
  | {
      readonly type: "tool-call-start";
      readonly index: number;
      readonly callIndex: number;
      /** `call_…` */
      readonly id: string;
      readonly kind: ChatTool["kind"];
      readonly name: string;
    }
  /** The next piece of the arguments of a function, as the model wrote them, or of the input of a custom tool. */
  | {
      readonly type: "tool-call-delta";
      readonly index: number;
      readonly callIndex: number;
      readonly kind: ChatTool["kind"];
      readonly text: string;
    }
  | { readonly type: "choice-end"; readonly index: number; readonly finishReason: FinishReason }
  | { readonly type: "chat-end"; readonly usage: ChatUsage };

/** An admitted chat. Slots of the model are held until `events` ends or is closed, or the call's signal aborts. */
export interface ChatRun {
  /** `chatcmpl-…`, or `resp_…` of a response. */
  readonly id: string;
  readonly createdAtMs: number;
  /** The id of the model that serves the call, whatever the request called it. */
  readonly modelId: string;
  /** What has been used by now, and what is held for it. */
  readonly checkpoint: () => CallCheckpoint;
  /** What of the request's schemas, where they are hints, is not enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
  /** Of the first choice, with every default applied. */
  readonly sampling: Sampling;
  /** @throws AiError while iterating, when the engine fails or the call is aborted. */
  readonly events: AsyncIterable<ChatEvent>;
}
