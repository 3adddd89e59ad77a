/** Loads a model with the native library: forwards its log lines, and maps its failures to errors that name no path. */

import { setImmediate as nextRound, setTimeout as wait } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import { cleanLine } from "../host/native-lines.ts";
import type { NativeLog } from "../host/native-model.ts";
import { openNativeRuntime } from "./native-runtime.ts";
import type { NativeRuntime } from "./native-runtime.ts";

/** The library delivers its lines later than the failure that they are about. */
const LAST_LINES_MS = 100;

export interface RuntimeSettings {
  readonly gpu: boolean;
  readonly log: NativeLog;
}

/** @throws AiError `engine_unavailable` */
export async function loadWithRuntime<Loaded extends { readonly dispose: () => Promise<void> }>(
  { gpu, log }: RuntimeSettings,
  load: (runtime: NativeRuntime) => Promise<Loaded>,
): Promise<Loaded> {
  let stopListening = (): void => {};
  let firstError: string | null = null;
  const listener: NativeLog = (level, line) => {
    if (level === "error") firstError ??= line;
    log(level, line);
  };
  try {
    const runtime = await openNativeRuntime({ gpu });
    runtime.logListeners.add(listener);
    stopListening = () => void runtime.logListeners.delete(listener);
    const loaded = await load(runtime);
    const dispose = async (): Promise<void> => {
      await loaded.dispose();
      stopListening();
    };
    return { ...loaded, dispose };
  } catch (error) {
    await wait(LAST_LINES_MS);
    // Of a process that slept for as long, the timer comes before the lines.
    await nextRound();
    stopListening();
    throw withReason(toLoadError(error), firstError);
  }
}

/** The library's error says only that the load failed; its first line in the log says why. */
function withReason(error: AiError, line: string | null): AiError {
  const { code, message, cause } = error;
  if (line === null || !(cause instanceof Error)) return error;
  return new AiError(code, message, { cause: new Error(`${cause.message}: ${cleanLine(line)}`, { cause }) });
}

/** Maps a failure from before the native load. */
export function toLoadError(thrown: unknown): AiError {
  if (thrown instanceof AiError) return thrown;
  return new AiError("engine_unavailable", explainLoadError(thrown), { cause: thrown });
}

/** The message for callers: no path, no stack. */
function explainLoadError(error: unknown): string {
  const name = error instanceof Error ? error.constructor.name : "";
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (name === "NoBinaryFoundError" || code === "ERR_MODULE_NOT_FOUND") {
    return (
      `The engine has no binary for this machine (${process.platform}-${process.arch}). ` +
      "Install node-llama-cpp with the @node-llama-cpp package for it."
    );
  }
  if (name === "InsufficientMemoryError") {
    return "There is not enough memory for the model. Lower its number of sequences or its context, or take a smaller model.";
  }
  if (code === "ENOENT") return "The model file does not exist. Pull the model first.";
  return "The model can't be loaded. The log of the server says why.";
}
