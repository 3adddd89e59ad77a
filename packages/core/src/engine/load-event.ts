/** Events of a local model and its process, for metrics and logs. */

/** Why a model was unloaded: no call came, another model needed its memory, or its engine closes. */
export type UnloadReason = "idle" | "memory" | "close";

export type LoadEvent =
  /** `durationMs` without the wait for room; `bytes` by estimate; `pid`: the process that has it. */
  | { readonly type: "load-end"; readonly durationMs: number; readonly bytes: number; readonly pid: number }
  | { readonly type: "load-failed"; readonly thrown: unknown; readonly retryAfterMs: number }
  /** `failure`: it may have left something behind; null when all went well. */
  | {
      readonly type: "unload";
      readonly reason: UnloadReason;
      readonly failure: { readonly thrown: unknown } | null;
      readonly pid: number;
    }
  /** The process has ended otherwise than by an unload. `reason`, as a sentence; 0: the next call loads it again. */
  | { readonly type: "lost"; readonly reason: string; readonly retryAfterMs: number; readonly pid: number }
  | ProcessEvent;

/** Of each process that is started to load the model, whatever becomes of the load. */
export type ProcessEvent =
  | { readonly type: "process-start"; readonly pid: number }
  /** Its resident memory, about every 5 s. */
  | { readonly type: "process-memory"; readonly pid: number; readonly rssBytes: number }
  /** A warning or an error of the native library in it, bounded in length and number, without anything of a request. */
  | {
      readonly type: "process-log";
      readonly pid: number;
      readonly level: "warn" | "error";
      readonly line: string;
    }
  /** It has ended, for whatever reason. */
  | { readonly type: "process-end"; readonly pid: number };

/**
 * Of each process that decodes uploaded audio. `lost`: it ended by itself, was killed from outside, or took too much memory.
 * `reason` is a sentence for operators.
 */
export type DecoderEvent = ProcessEvent | { readonly type: "lost"; readonly pid: number; readonly reason: string };
