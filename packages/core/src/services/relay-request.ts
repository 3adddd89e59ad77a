/** A relayed call in the service's own terms: a body that nobody here reads further, and what it can use at most. */

import type { RelayBody, RelayOperation } from "../engine/relay-engine.ts";

export interface RelayCall {
  readonly operation: RelayOperation;
  /** Id, name or `default`. */
  readonly model: string;
  readonly body: RelayBody;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly traceParent: string | null;
  readonly demand: RelayDemand;
}

/**
 * What the surface can tell of a request's size without a tokenizer. A token is at least one byte, so bytes bound tokens
 * from above.
 */
export interface RelayDemand {
  /** UTF-8 bytes of everything that becomes prompt; null when something in it can't be bounded by its bytes (an image). */
  readonly inputBytes: number | null;
  /** Tokens of one answer, as asked for; null where the request has no limit. */
  readonly outputTokensMax: number | null;
  /** How many answers. */
  readonly answers: number;
  readonly audioMs: number;
  readonly characters: number;
}

/**
 * An admitted relay that the upstream has answered, or has begun to. The slot is held until `chunks` ends or is left; a
 * whole answer has been paid for.
 */
export type RelayRun = {
  readonly modelId: string;
  /** As the upstream named it. */
  readonly contentType: string;
} & (
  | { readonly kind: "whole"; readonly body: Uint8Array<ArrayBuffer> }
  /** @throws AiError while iterating, when the upstream fails or the call is aborted. */
  | { readonly kind: "chunks"; readonly chunks: AsyncIterable<Uint8Array> }
);
