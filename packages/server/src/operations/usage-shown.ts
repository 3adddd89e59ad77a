/** Why a stream carried its usage, or didn't: one word for the line of its request. */

import { answersWithChunks } from "@openai-compat/core";
import type { CallRecord } from "@openai-compat/core";

/**
 * - `shown`: it was sent.
 * - `not_requested`: the request did not ask for it (`stream_options.include_usage`).
 * - `hidden`: the same; an upstream is always asked for its usage, and what it reported was taken out.
 * - `not_reported`: the upstream ended a stream, which passes as it is, without it.
 * - `client_disconnected`: the client had disconnected before.
 * - `upstream_failed`: the upstream broke the stream off, was silent for too long or sent nonsense.
 * - `failed`: the call failed here; its `outcome` says how.
 */
export type UsageShown =
  | "shown"
  | "not_requested"
  | "hidden"
  | "not_reported"
  | "client_disconnected"
  | "upstream_failed"
  | "failed";

export interface EndedStream {
  readonly isUsageRequested: boolean;
  /** Whether the client took all of it. */
  readonly isComplete: boolean;
  /** Null for a call that was refused when the stream had begun, and for one that has not ended yet. */
  readonly call: Pick<CallRecord, "operationId" | "outcome" | "usageSource"> | null;
}

export function explainUsageShown({ isUsageRequested, isComplete, call }: EndedStream): UsageShown {
  if (!isUsageRequested) return call?.usageSource === "reported" ? "hidden" : "not_requested";
  if (!isComplete || call?.outcome === "left") return "client_disconnected";
  if (call?.outcome !== "completed")
    return call?.outcome.startsWith("upstream_") === true ? "upstream_failed" : "failed";
  // Chunks and responses get what is charged, be it an estimate; all other events are the upstream's own.
  const isAdded = answersWithChunks(call.operationId) || call.operationId === "createResponse";
  return isAdded || call.usageSource === "reported" ? "shown" : "not_reported";
}
