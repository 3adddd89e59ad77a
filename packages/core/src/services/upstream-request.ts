/** A call to an upstream in the service's own terms: an opaque body, and upper bounds of what it can use. */

import type { AiError } from "../ai-error.ts";
import type { CallCheckpoint } from "../credits/call-checkpoint.ts";
import type { UpstreamBody } from "../engine/upstream-engine.ts";

export interface UpstreamCallRequest {
  /** As in `UpstreamRequest`. */
  readonly path: string;
  readonly body: UpstreamBody;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly traceParent: string | null;
  readonly bounds: RequestBounds;
  /**
   * Called with the refusal of what was sent, which was too long, before anything was computed of it.
   *
   * @returns a shorter body, which is sent in its place as the same call; null where there is none. Absent: there never is.
   */
  readonly shorten?: (refusal: AiError) => UpstreamBody | null;
}

/**
 * Upper bounds of a request's size, computed by the surface without a tokenizer. A token is at least one byte, so bytes
 * bound tokens from above. Each field is the maximum over all interpretations of the request.
 */
export interface RequestBounds {
  /**
   * UTF-8 bytes of everything that becomes prompt; null when something in it can't be bounded by its bytes (an image).
   */
  readonly inputBytes: number | null;
  /** Prompts of a completion, inputs of an embedding: each may fill the model's context. */
  readonly prompts: number;
  /** Tokens of one answer, as requested; null where the request has no limit. */
  readonly outputTokensMax: number | null;
  /** Tokens of one answer that an upstream may count beyond that limit: a rejected prediction, an echoed prompt. */
  readonly unlimitedOutputTokens: number;
  /** How many answers to each prompt. */
  readonly answers: number;
  /** Length of the recording as its container says; charged where the upstream reports none. */
  readonly audioMs: number;
  /** The most that so many bytes can hold, whatever the container says. */
  readonly audioMsMax: number;
  /** Code points that are spoken, or say how to speak. */
  readonly characters: number;
}

/**
 * An admitted call whose answer has begun or is complete. The slot is held until `chunks` ends or is closed; a complete
 * answer has been charged.
 */
export type UpstreamRun = {
  readonly modelId: string;
  /** What has been used by now, and what is held for it. */
  readonly checkpoint: () => CallCheckpoint;
  readonly contentType: string;
  /** Parameters of the request that were not sent to the upstream. */
  readonly droppedParameters: readonly string[];
} & (
  | { readonly kind: "whole"; readonly body: Uint8Array<ArrayBuffer> }
  /** @throws AiError while iterating, when the upstream fails or the call is aborted. */
  | { readonly kind: "chunks"; readonly chunks: AsyncIterable<Uint8Array> }
);
