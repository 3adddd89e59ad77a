/**
 * A native model that is loaded into a process of its own by its first call, shared by all, and whose process ends when it is unloaded.
 * A process that was lost is replaced by the next call's.
 */

import type { ProcessEvent } from "@openai-compat/core";
import { SYSTEM_CLOCK } from "../residency/clock.ts";
import type { LazyResource } from "../residency/lazy-resource.ts";
import { createModelResource } from "../residency/model-resource.ts";
import type { LoadingSettings } from "../residency/model-resource.ts";
import { limitLines } from "./native-lines.ts";
import type { NativeKind, NativeModelOf, NativeSettings } from "./native-kinds.ts";
import type { NativeModel } from "./native-model.ts";
import { NativeProcessLostError, startNativeModel } from "./native-process.ts";
import type { NativeProcess } from "./native-process.ts";
import { MODEL_PROCESS_BYTES } from "./process-bytes.ts";
import { resolveProcessLimits } from "./process-limits.ts";

export interface HostedModelOptions {
  readonly loading: LoadingSettings | undefined;
  /** Bytes that the loaded model takes at most, its process not counted. */
  readonly estimateBytes: () => Promise<number>;
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

type ReportEvent = (event: ProcessEvent) => void;
type LogEvent = Extract<ProcessEvent, { type: "process-log" }>;

/** `acquire` throws AiError `queue_timeout` where no memory became free in time, `engine_unavailable` for a failed load. */
export function createHostedModel<Kind extends NativeKind>(
  kind: Kind,
  settings: NativeSettings<Kind>,
  options: HostedModelOptions,
): HostedModel<NativeModelOf<Kind>> {
  type Model = NativeModelOf<Kind>;
  const { loading = {}, estimateBytes } = options;
  const onEvent = limitLog(loading);
  const processes = createModelResource<NativeProcess<Model>>({
    settings: loading,
    estimateBytes: async () => MODEL_PROCESS_BYTES + (await estimateBytes()),
    load() {
      return startNativeModel(kind, settings, {
        limits: loading.processLimits ?? {},
        onEvent,
        onServed: () => processes.confirm(),
      });
    },
    unload: (process) => process.close(),
    watchLoss: ({ lost }) => lost,
    pidOf: ({ pid }) => pid,
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

/** A process that is started again and again says no more than one that lives. */
function limitLog({ onEvent = () => {}, processLimits = {}, clock = SYSTEM_CLOCK }: LoadingSettings): ReportEvent {
  const { logLinesPerMinute } = resolveProcessLimits(processLimits);
  const log = limitLines<LogEvent>(onEvent, { linesPerMinute: logLinesPerMinute, nowMs: () => clock.nowMs() });
  return (event) => (event.type === "process-log" ? log(event) : onEvent(event));
}
