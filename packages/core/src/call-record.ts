/**
 * What is known of a call when it has ended: for metrics, traces and logs. It holds no secret, and of its caller's
 * texts the names in `relaxed` alone.
 */

import type { CallOutcome } from "./call.ts";
import type { BilledOperation, UsageSource, UsageUnits } from "./usage.ts";
import type { SchemaRelaxation } from "./engine/chat-output.ts";
import type { ModelOperationId } from "./model-operation-id.ts";

export interface CallRecord {
  /** The operation of the specification, `createChatCompletion` for one. */
  readonly operationId: ModelOperationId;
  readonly billedAs: BilledOperation;
  readonly callId: string;
  readonly requestId: string;
  readonly accountId: string;
  readonly modelId: string;
  /** What the caller called the model. */
  readonly requestedModel: string;
  readonly streamed: boolean;
  /**
   * What of the request's schemas is not enforced. Pointers hold names of properties as the caller wrote them, of any
   * length.
   */
  readonly relaxed: readonly SchemaRelaxation[];
  /** `completed`, `left` (the client disconnected), or the code of the failure. */
  readonly outcome: CallOutcome;
  readonly usage: UsageUnits;
  /** Where `usage` comes from; null for a call that ended before it had used anything. */
  readonly usageSource: UsageSource | null;
  /** Micro-credits: what was reserved, and what is charged, now or as soon as the store takes it. */
  readonly heldAmount: number;
  readonly chargedAmount: number;
  /** Milliseconds since the epoch at which the model was resolved. */
  readonly startedAtMs: number;
  /**
   * From then, in milliseconds: until a slot was free, until the first token or byte (null when none came), until the
   * end.
   */
  readonly admittedAfterMs: number;
  readonly firstOutputAfterMs: number | null;
  readonly durationMs: number;
}
