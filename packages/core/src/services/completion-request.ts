/** A completion call in the service's own terms: decoded, validated, with every default applied by the surface. */

import type { FinishReason, PlainText, PromptLogprob, TokenLogprob } from "../engine/chat-engine.ts";
import type { ChatUsage } from "./chat-request.ts";
import type { SamplingOptions } from "./sampling.ts";

export interface CompletionRequest extends SamplingOptions {
  /** At least one. */
  readonly prompts: readonly PlainText["text"][];
  /** What comes after each of them; null where nothing does. */
  readonly suffix: string | null;
  /** Texts for each prompt, 1 to 128. */
  readonly choices: number;
  /**
   * How many texts are written for each prompt, at least `choices`; those that the model finds likeliest are the
   * choices.
   */
  readonly candidates: number;
  /** Per text. A limit beyond the context is cut to it; 0 writes nothing. */
  readonly tokensMax: number;
  /** Up to four non-empty strings. */
  readonly stop: readonly string[];
  /** Whether each text begins with its prompt. */
  readonly echo: boolean;
  /**
   * How many of the likeliest tokens are reported for each token, 0 to 20, of an echoed prompt too; null: none.
   */
  readonly topLogprobs: number | null;
  /** Whether the texts are to be sent piece by piece; only where all candidates are choices. */
  readonly stream: boolean;
}

/** For each choice: at most one `prompt-delta`, any number of `text-delta`, one `choice-end`; choices interleave. */
export type CompletionChoiceEvent =
  | {
      readonly type: "prompt-delta";
      readonly index: number;
      readonly text: string;
      readonly logprobs: readonly PromptLogprob[] | null;
    }
  | {
      readonly type: "text-delta";
      readonly index: number;
      readonly text: string;
      readonly logprobs: readonly TokenLogprob[] | null;
    }
  | { readonly type: "choice-end"; readonly index: number; readonly finishReason: FinishReason };

/** The choices of the first prompt have the first indices. `completion-end` is the last event of all. */
export type CompletionEvent = CompletionChoiceEvent | { readonly type: "completion-end"; readonly usage: ChatUsage };

/**
 * An admitted completion. Slots of the model are held until `events` ends or is closed, or the call's signal aborts.
 */
export interface CompletionRun {
  /** `cmpl-…` */
  readonly id: string;
  readonly createdAtMs: number;
  /** The id of the model that serves the call, whatever the request called it. */
  readonly modelId: string;
  /** @throws AiError while iterating, when the engine fails or the call is aborted. */
  readonly events: AsyncIterable<CompletionEvent>;
}
