/** Events of a model that is loaded in this process, for metrics and logs. */

/** Why a model was unloaded: no call came, another model needed its memory, or its engine closes. */
export type UnloadReason = "idle" | "memory" | "close";

export type LoadEvent =
  /** `durationMs` without the wait for room; `bytes` by estimate. */
  | { readonly type: "load-end"; readonly durationMs: number; readonly bytes: number }
  | { readonly type: "load-failed"; readonly thrown: unknown; readonly retryAfterMs: number }
  /** `failure`: it may have left something behind; null when all went well. */
  | { readonly type: "unload"; readonly reason: UnloadReason; readonly failure: { readonly thrown: unknown } | null };
