/**
 * What an upstream is to the rest of the service: a model elsewhere that speaks the surface's own protocol, so that a
 * request and its answer pass as they are and only usage is read on the way. The bytes are opaque to the core. Requests
 * and events can be structured-cloned; signals, `limits` and an `AiError` that is thrown cannot.
 */

import type { ModelOperationId } from "../model-operation-id.ts";
import type { UsageSource, UsageUnits } from "../usage.ts";

export interface RelayRequest {
  readonly operation: ModelOperationId;
  /** Below the upstream's base URL, as the surface's own is below its. */
  readonly path: string;
  /** The caller's request. Its `model` is the caller's word; the engine puts the upstream's in its place. */
  readonly body: RelayBody;
  /** Tokens of one answer; null for no limit. Whatever the body says of it is not sent. */
  readonly outputTokensMax: number | null;
  /** Whether the caller asked for a stream of server-sent events. */
  readonly stream: boolean;
  /** Whether the caller asked for usage in the stream; where not, the engine asks for itself and hides it. */
  readonly includeUsage: boolean;
  /** The model's id here: it stands in the answer wherever the upstream named its own. */
  readonly modelId: string;
  /** Passed on for tracing (`traceparent`); null for none. */
  readonly traceParent: string | null;
}

/** A JSON object as parsed, or the fields of a form in the order sent. */
export type RelayBody =
  | { readonly kind: "json"; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: "form"; readonly fields: readonly RelayField[] };

export type RelayField =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly fileName: string; readonly contentType: string; readonly bytes: Uint8Array };

/**
 * Either one `relay-whole`, an answer that makes sense in one piece only; or one `relay-start` when the upstream has begun
 * a good answer, any number of `relay-data`, one `relay-end`. An answer that is not good never starts: it is thrown.
 * After an abort the only event that may still come is one `relay-end` (or `relay-whole`) with what the call has used by then.
 */
export type RelayEvent =
  | {
      readonly type: "relay-whole";
      readonly contentType: string;
      readonly droppedParameters: readonly string[];
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    }
  | {
      readonly type: "relay-start";
      readonly contentType: string;
      /** Parameters of the request that were not sent: the engine doesn't know what they can cost. */
      readonly droppedParameters: readonly string[];
    }
  | {
      readonly type: "relay-data";
      /** For a stream: whole server-sent events, ready to send. */
      readonly bytes: Uint8Array;
      /** What has been produced up to and with these bytes. */
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    }
  | {
      readonly type: "relay-end";
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    };

export interface RelayEngineLimits {
  /** Prompt and completion together, in tokens. */
  readonly contextTokens: number;
  /** The longest answer when the request sets no limit. */
  readonly completionTokensMax: number;
  /** Calls that run side by side. */
  readonly concurrency: number;
}

/** One of the places where the model is served, named by its position in the settings: no address and no key crosses. */
export interface UpstreamStatus {
  /** From 0. */
  readonly index: number;
  /** `open`: left alone for a while after failures in a row; `half_open`: the next call probes whether it works again. */
  readonly state: "closed" | "open" | "half_open";
  /** Calls in flight. */
  readonly running: number;
  /** Calls that it let down since the start: not taken, broken off, or answered by a 5xx. */
  readonly failures: number;
  /** Calls since the start that came here because another place could not be reached. */
  readonly failovers: number;
}

export interface RelayEngine {
  readonly type: "relay";
  readonly limits: RelayEngineLimits;
  /** What the upstream serves for this model. */
  readonly operations: ReadonlySet<ModelOperationId>;

  /**
   * One call. Ends early, by throwing the signal's reason, after an abort, which closes the connection to the upstream:
   * at once, or within a bounded time where the answer is complete and only its usage is still to come. Leaving the loop
   * early closes it at once.
   *
   * @throws AiError `upstream_unavailable` when no upstream could be reached (nothing was computed), `upstream_failed`
   *   when it broke or answered nonsense, `upstream_timeout`, `upstream_rate_limited`, or the caller's own mistake as the upstream told it
   *   (`invalid_request` and its kin).
   */
  relay(request: RelayRequest, signal: AbortSignal): AsyncIterable<RelayEvent>;

  /** How each place fares, in the order of the settings. */
  upstreams(): readonly UpstreamStatus[];

  /** Ends idle connections after running calls have ended. */
  close(): Promise<void>;
}
