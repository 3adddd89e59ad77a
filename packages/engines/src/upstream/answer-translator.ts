/** Translates an upstream's answer into events; one implementation for each kind of answer. None does any I/O. */

import type { UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import type { UpstreamErrorContext } from "./decode-error.ts";

export interface AnswerTranslator {
  /**
   * Translates the next pieces of the body.
   *
   * @throws AiError an error inside an answer with status 200; UpstreamError `invalid`
   */
  push(chunks: readonly Uint8Array[]): Iterable<UpstreamEvent>;
  /** The body has ended. @throws as `push`, and UpstreamError `broken` when that was too early */
  end(): Iterable<UpstreamEvent>;
  /** Whether events wait for what may come before them. Absent where none ever do. */
  holdsBack?(): boolean;
  /** @returns the events that wait, which wait no longer */
  release?(): Iterable<UpstreamEvent>;
  /** Whether the answer is complete: anything that follows is ignored, and `end` need not be awaited. */
  isComplete(): boolean;
  /**
   * Whether only the usage is missing: worth a short wait after the client has disconnected.
   */
  awaitsUsage(): boolean;
  /** The call's usage when its client has disconnected and nothing more is read. */
  abandon(): Extract<UpstreamEvent, { type: "upstream-end" }>;
}

/** Options of all implementations. */
export interface TranslatorOptions {
  readonly request: UpstreamRequest;
  readonly eventBytesMax: number;
  readonly answerValuesMax: number;
  readonly zeroUsageBelieved: boolean;
  readonly droppedParameters: readonly string[];
  readonly errorContext: UpstreamErrorContext;
}
