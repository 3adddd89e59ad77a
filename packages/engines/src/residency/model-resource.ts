/**
 * What every engine with a model that is loaded into a process shares: how it is loaded, kept and unloaded, as an operator set
 * it.
 */

import { AiError } from "@openai-compat/core";
import type { LoadEvent } from "@openai-compat/core";
import type { NativeProcessLimits } from "../host/process-limits.ts";
import type { Clock } from "./clock.ts";
import { createLazyResource } from "./lazy-resource.ts";
import type { LazyResource } from "./lazy-resource.ts";
import { ModelTooLargeError, createModelMemory } from "./model-memory.ts";
import type { ModelMemory } from "./model-memory.ts";

export interface LoadingSettings {
  /** Shared with the other models of the process. Default: one of its own, without a limit. */
  readonly memory?: ModelMemory;
  /** How long a call may wait for memory. Default 120,000. */
  readonly waitTimeMsMax?: number;
  /** After so long without a call the model is unloaded; null: never. Default null. */
  readonly idleUnloadMs?: number | null;
  /** For how long a failed load is not tried again, doubled with each further failure in a row. Default 5,000. */
  readonly retryDelayMs?: number;
  /** Upper bound of the doubling. Default 60,000, the longest wait that is sent to clients. */
  readonly retryDelayMsMax?: number;
  /** What is tolerated of the model's process. */
  readonly processLimits?: NativeProcessLimits;
  readonly onEvent?: (event: LoadEvent) => void;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface ModelResourceOptions<Loaded> {
  readonly settings: LoadingSettings;
  /** Bytes that the loaded model takes at most, known before it is loaded. */
  readonly estimateBytes: () => Promise<number>;
  /** Neither this nor the estimate throws anything but an AiError. */
  readonly load: () => Promise<Loaded>;
  readonly unload: (loaded: Loaded) => Promise<void>;
  readonly watchLoss: (loaded: Loaded) => Promise<string>;
  /** The process that has it. */
  readonly pidOf: (loaded: Loaded) => number;
}

/** How soon a call that found no memory may be retried: other calls are running, for an unknown time. */
const NO_MEMORY_RETRY_MS = 5_000;

/**
 * `acquire` throws AiError `queue_timeout` where no memory became free in time, `engine_unavailable` for a failed load.
 */
export function createModelResource<Loaded>(options: ModelResourceOptions<Loaded>): LazyResource<Loaded> {
  const { settings, load, unload, watchLoss, pidOf } = options;
  const { memory = createModelMemory({ bytesMax: null }), onEvent = () => {} } = settings;
  let bytes = 0;
  return createLazyResource<Loaded>({
    async reserve(evict, signal) {
      bytes = await options.estimateBytes();
      return memory.reserve({ bytes, evict }, signal);
    },
    waitTimeMsMax: settings.waitTimeMsMax ?? 120_000,
    createTimeoutError,
    load,
    unload,
    watchLoss,
    createLossError,
    idleUnloadMs: settings.idleUnloadMs ?? null,
    retryDelayMs: settings.retryDelayMs ?? 5_000,
    retryDelayMsMax: settings.retryDelayMsMax ?? 60_000,
    explain: explainFailure,
    onEvent(event) {
      if (event.type === "load-failed") return onEvent(event);
      const { value, ...facts } = event;
      const pid = pidOf(value);
      onEvent(facts.type === "load-end" ? { ...facts, bytes, pid } : { ...facts, pid });
    },
    ...(settings.clock === undefined ? {} : { clock: settings.clock }),
  });
}

function createTimeoutError(waitedMs: number): AiError {
  const message =
    `The model got no room in memory within ${waitedMs} ms, because other models are answering calls. ` +
    "Please try again in a moment.";
  return new AiError("queue_timeout", message, { retryAfterMs: NO_MEMORY_RETRY_MS });
}

function createLossError(reason: string): AiError {
  const message =
    "The model can't be used for now: its process has ended several times. The log of the server says why.";
  return new AiError("engine_unavailable", message, { cause: new Error(reason) });
}

/** The same failure for every caller, each with the time that is left now. */
function explainFailure(thrown: unknown, retryAfterMs: number): unknown {
  if (thrown instanceof ModelTooLargeError) {
    const { bytes, bytesMax } = thrown;
    const message =
      `The model needs about ${formatMebibytes(bytes)} of memory, more than the ${formatMebibytes(bytesMax)} of the ` +
      "setting memory.modelBytesMax. Raise it, or lower the model's contextTokens or concurrency.";
    return new AiError("engine_unavailable", message, { cause: thrown });
  }
  if (!(thrown instanceof AiError)) return thrown;
  return new AiError(thrown.code, thrown.message, { param: thrown.param, cause: thrown.cause, retryAfterMs });
}

function formatMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
