/**
 * A realtime session at an upstream: frames that pass both ways as they are, but for the name of the model, and what they
 * cost, read on the way. The frames are opaque to the core.
 */

import type { JsonRecord } from "../json-record.ts";
import type { UsageSource, UsageUnits } from "../usage.ts";

export interface UpstreamRealtimeRequest {
  /** Below the upstream's base URL, as the surface's own is below its. */
  readonly path: string;
  /** `transcription`: the query names no model. `model`: it does. */
  readonly intent: "transcription" | "model";
  /** The model's id here: it replaces the upstream's name in what the upstream sends. */
  readonly modelId: string;
  /** Passed on for tracing (`traceparent`); null for none. */
  readonly traceParent: string | null;
}

export interface UpstreamRealtimeOptions {
  /** Its abort closes the connection at once. */
  readonly signal: AbortSignal;
  /** Whether a caller may mean the session's model by this name. */
  readonly isModel: (name: string) => boolean;
}

/** One event of the caller. */
export interface RealtimeFrame {
  /** As it came. */
  readonly text: string;
  /** The same, parsed. It may be changed. */
  readonly event: JsonRecord;
}

export interface UpstreamRealtime {
  /**
   * The frame in the upstream's terms, counted as sent: `maxUsage` includes it. Frames are sent in the order in which
   * they are encoded.
   *
   * @throws AiError `model_not_found` for a model that the session may not use; nothing is counted then
   */
  encode(frame: RealtimeFrame): string;

  /**
   * Resolves when the connection has taken the frame; the next one waits for that.
   *
   * @throws AiError as `frames`
   */
  send(text: string): Promise<void>;

  /**
   * What the upstream sends, once; the next frame is read when the last one has been taken. Ends when the upstream
   * closes the session.
   *
   * @throws the signal's reason; AiError `upstream_failed`, `upstream_timeout`
   */
  readonly frames: AsyncIterable<UpstreamRealtimeFrame>;

  /** What the session has used up to the last frame that was taken. @param isBroken whether the upstream broke off */
  usage(isBroken: boolean): RealtimeUsage;

  /** The most that it can have used when everything that was encoded has been answered. */
  maxUsage(): UsageUnits;

  /** For logs: turns that have ended, those of them that failed, and the audio that was encoded. */
  counts(): RelayCounts;

  /** Closes the session for its caller's sake, if it is open. */
  close(): void;
}

export interface RelayCounts {
  readonly turns: number;
  readonly failedTurns: number;
  readonly receivedMs: number;
}

export interface RealtimeUsage {
  readonly units: UsageUnits;
  readonly source: UsageSource;
}

export type UpstreamRealtimeFrame =
  | { readonly type: "upstream-frame"; readonly text: string }
  /** The last one. The code is one that may be sent on (RFC 6455, 7.4). */
  | { readonly type: "upstream-close"; readonly code: number; readonly reason: string };
