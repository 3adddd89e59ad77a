/** Translates an upstream's answer into events; one implementation for each kind of answer. None does any I/O. */

import type { UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import type { UpstreamErrorContext } from "./decode-error.ts";

export interface AnswerTranslator {
  /**
   * The next pieces of the body.
   *
   * @throws AiError an error that the upstream wrapped in a good answer; UpstreamError `invalid`
   */
  push(chunks: readonly Uint8Array[]): Iterable<UpstreamEvent>;
  /** The body has ended. @throws as `push`, and UpstreamError `broken` when that was too early */
  end(): Iterable<UpstreamEvent>;
  /** Whether nothing that may still come matters: `end` needs not be waited for. */
  isComplete(): boolean;
  /**
   * Whether all that was asked for has come but for its usage: worth a short wait after the client has disconnected.
   */
  awaitsUsage(): boolean;
  /** What the call has used, called when its client has disconnected and nothing more is read. */
  abandon(): Extract<UpstreamEvent, { type: "upstream-end" }>;
}

/** What the implementations are made with. */
export interface TranslatorOptions {
  readonly request: UpstreamRequest;
  readonly eventBytesMax: number;
  readonly answerValuesMax: number;
  readonly zeroUsageBelieved: boolean;
  readonly droppedParameters: readonly string[];
  readonly errorContext: UpstreamErrorContext;
}
