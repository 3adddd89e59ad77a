/** Events of a local model and its process, for metrics and logs. */

/** Why a model was unloaded: no call came, another model needed its memory, or its engine closes. */
export type UnloadReason = "idle" | "memory" | "close";

export type LoadEvent =
  /** `durationMs` without the wait for room; `bytes` by estimate. */
  | { readonly type: "load-end"; readonly durationMs: number; readonly bytes: number }
  | { readonly type: "load-failed"; readonly thrown: unknown; readonly retryAfterMs: number }
  /** `failure`: it may have left something behind; null when all went well. */
  | { readonly type: "unload"; readonly reason: UnloadReason; readonly failure: { readonly thrown: unknown } | null }
  /** The process has ended otherwise than by an unload. `reason`, as a sentence; 0: the next call loads it again. */
  | { readonly type: "lost"; readonly reason: string; readonly retryAfterMs: number }
  /** The process that has the model, when it has loaded it and then about every 5 s. `rssBytes`: its memory, null before it is known. */
  | { readonly type: "process"; readonly pid: number; readonly rssBytes: number | null };
