/**
 * The interface of an upstream: a remote model that speaks the surface's own protocol, so that a request and its answer
 * pass through and only usage is read on the way. The bytes are opaque to the core. What crosses can be structured-cloned, as
 * with a chat engine.
 */

import type { ModelRequestId } from "../model-operation-id.ts";
import type { UsageSource, UsageUnits } from "../usage.ts";
import type { UpstreamRealtime, UpstreamRealtimeOptions, UpstreamRealtimeRequest } from "./upstream-realtime.ts";

export interface UpstreamRequest {
  readonly operation: ModelRequestId;
  /** Below the upstream's base URL, as the surface's own is below its. */
  readonly path: string;
  /** The caller's request. The engine replaces its `model` by the upstream's name. */
  readonly body: UpstreamBody;
  /** Tokens of one answer; null for no limit. Limits in the body are not sent. */
  readonly outputTokensMax: number | null;
  /** Whether the caller asked for a stream of server-sent events. */
  readonly stream: boolean;
  /** Whether the caller requested usage in the stream; if not, the engine requests it and hides it. */
  readonly includeUsage: boolean;
  /** The model's id here: it replaces the upstream's name in the answer. */
  readonly modelId: string;
  /** Passed on for tracing (`traceparent`); null for none. */
  readonly traceParent: string | null;
}

/** A JSON object as parsed, or the fields of a form in the order sent. */
export type UpstreamBody =
  | { readonly kind: "json"; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: "form"; readonly fields: readonly FormField[] };

export type FormField = { readonly name: string; readonly value: string } | FormFile;

export interface FormFile {
  readonly name: string;
  /** Empty for none. Without folders. */
  readonly fileName: string;
  /** As the client names it; it may be wrong. */
  readonly contentType: string;
  /** The content, as many pieces as it arrived in: joined, a large file would be in memory twice. None is empty. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * Either one `upstream-whole`, a complete non-streaming answer; or one `upstream-start` when the upstream has begun a
 * successful answer, any number of `upstream-data`, one `upstream-end`. An error is thrown before any event. After an
 * abort at most one more event follows: `upstream-end` (or `upstream-whole`) with what the call has used by then.
 */
export type UpstreamEvent =
  | {
      readonly type: "upstream-whole";
      readonly contentType: string;
      readonly droppedParameters: readonly string[];
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    }
  | {
      readonly type: "upstream-start";
      readonly contentType: string;
      /** Parameters of the request that were not sent, because their cost is unknown. */
      readonly droppedParameters: readonly string[];
    }
  | {
      readonly type: "upstream-data";
      /** For a stream: whole server-sent events, ready to send. */
      readonly bytes: Uint8Array;
      /** Usage up to and including these bytes. */
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    }
  | {
      readonly type: "upstream-end";
      readonly usage: UsageUnits;
      readonly source: UsageSource;
    };

export interface UpstreamEngineLimits {
  /** Prompt and completion together, in tokens. */
  readonly contextTokens: number;
  /** The longest answer when the request sets no limit. */
  readonly completionTokensMax: number;
  /** Concurrent calls. */
  readonly concurrency: number;
}

/** The status of one base URL of the model, named by its position in the settings, without address and key. */
export interface UpstreamStatus {
  /** From 0. */
  readonly index: number;
  /** `open`: not used for a while after failures in a row; `half_open`: the next call probes whether it works again. */
  readonly state: "closed" | "open" | "half_open";
  /** Calls in flight. */
  readonly running: number;
  /** Failed calls since the start: not accepted, broken off, or answered with a 5xx. */
  readonly failures: number;
  /** Calls since the start that were sent here because another base URL could not be reached. */
  readonly failovers: number;
}

export interface UpstreamEngine {
  readonly type: "upstream";
  readonly limits: UpstreamEngineLimits;
  /** What the upstream serves for this model. */
  readonly operations: ReadonlySet<ModelRequestId>;
  /** Whether responses are made of its chat completions, where it serves no responses itself. */
  readonly bridgesResponses: boolean;

  /**
   * One call. Ends early, by throwing the signal's reason, after an abort, which closes the connection to the upstream:
   * at once, or within a bounded time where the answer is complete and only its usage is still to come. Ending the
   * iteration early closes it at once.
   *
   * @throws AiError `upstream_unavailable` when no upstream could be reached (nothing was computed), `upstream_failed`
   *   when it broke off or its answer was invalid, `upstream_timeout`, `upstream_rate_limited`, or the caller's own
   *   mistake as reported by the upstream (`invalid_request` and its kin).
   */
  forward(request: UpstreamRequest, signal: AbortSignal): AsyncIterable<UpstreamEvent>;

  /**
   * Opens a realtime session, which holds its connection to one base URL until it ends. Null where the upstream
   * transcribes nothing.
   *
   * @throws AiError as `forward`, and `not_implemented` where the upstream offers no such sessions
   */
  readonly connectRealtime:
    | ((request: UpstreamRealtimeRequest, options: UpstreamRealtimeOptions) => Promise<UpstreamRealtime>)
    | null;

  /** The status of each base URL, in the order of the settings. */
  upstreams(): readonly UpstreamStatus[];

  /** Ends idle connections after running calls have ended. */
  close(): Promise<void>;
}
