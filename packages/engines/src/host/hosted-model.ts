/**
 * A native model that is loaded into a process of its own by its first call, shared by all, and whose process ends when it is unloaded.
 * A process that was lost is replaced by the next call's.
 */

import type { LazyResource } from "../residency/lazy-resource.ts";
import { createModelResource } from "../residency/model-resource.ts";
import type { LoadingSettings } from "../residency/model-resource.ts";
import type { NativeKind, NativeModelOf, NativeSettings } from "./native-kinds.ts";
import type { NativeLog, NativeModel } from "./native-model.ts";
import { NativeProcessLostError, startNativeModel } from "./native-process.ts";
import type { NativeProcess } from "./native-process.ts";

export interface HostedModelOptions {
  readonly loading: LoadingSettings | undefined;
  /** Bytes that the loaded model takes at most, its process not counted. */
  readonly estimateBytes: () => Promise<number>;
  readonly onNativeLog: NativeLog | undefined;
}

/** The functions of a loaded model. */
export type HostedFunctions<Model extends NativeModel> = Pick<Model, "answers" | "streams">;

export interface HostedModel<Model extends NativeModel> extends LazyResource<HostedFunctions<Model>> {
  /**
   * One function of the loaded model that answers. Where its process is lost before it has answered, it is called once more on another
   * one.
   */
  ask<Answer>(call: (functions: HostedFunctions<Model>) => Promise<Answer>, signal: AbortSignal): Promise<Answer>;
}

/** What a process takes before it has loaded a model: Node.js and a native library. Measured: 105 to 130 MB. */
const PROCESS_BYTES = 128 * 1024 * 1024;

/** `acquire` throws AiError `queue_timeout` where no memory became free in time, `engine_unavailable` for a failed load. */
export function createHostedModel<Kind extends NativeKind>(
  kind: Kind,
  settings: NativeSettings<Kind>,
  options: HostedModelOptions,
): HostedModel<NativeModelOf<Kind>> {
  type Model = NativeModelOf<Kind>;
  const { loading = {}, estimateBytes, onNativeLog } = options;
  const { onEvent = () => {} } = loading;
  const processes = createModelResource<NativeProcess<Model>>({
    settings: loading,
    estimateBytes: async () => PROCESS_BYTES + (await estimateBytes()),
    async load() {
      const started = await startNativeModel(kind, settings, {
        onLog: onNativeLog,
        onMemory: (pid, rssBytes) => onEvent({ type: "process", pid, rssBytes }),
        onServed: () => processes.confirm(),
      });
      onEvent({ type: "process", pid: started.pid, rssBytes: null });
      return started;
    },
    unload: (process) => process.close(),
    watchLoss: ({ lost }) => lost,
  });

  async function acquire(signal: AbortSignal) {
    const { value, release } = await processes.acquire(signal);
    return { value: value.model, release };
  }

  return {
    acquire,
    confirm: () => processes.confirm(),
    close: () => processes.close(),
    async ask(call, signal) {
      const { value, release } = await acquire(signal);
      try {
        return await call(value);
      } catch (thrown) {
        if (!(thrown instanceof NativeProcessLostError)) throw thrown;
      } finally {
        release();
      }
      const again = await acquire(signal);
      try {
        return await call(again.value);
      } finally {
        again.release();
      }
    },
  };
}
