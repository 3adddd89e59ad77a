/** What a chat answers with: a local engine's events, and what upstreams alone can say. */

import type { ChatEvent, FinishReason } from "@openai-compat/core";

/** In the order of a `ChatEvent`'s, of one choice. */
export type AnswerEvent =
  | Exclude<ChatEvent, { type: "choice-end" }>
  /** The next piece of what the model says in place of an answer. */
  | { readonly type: "refusal-delta"; readonly index: number; readonly text: string }
  | {
      readonly type: "choice-end";
      readonly index: number;
      readonly finishReason: FinishReason | "content-filter";
    };
