/** Loads a model with the native library: forwards its log lines, and maps its failures to errors that name no path. */

import { AiError } from "@openai-compat/core";
import type { NativeLog } from "../host/native-model.ts";
import { openNativeRuntime } from "./native-runtime.ts";
import type { NativeRuntime } from "./native-runtime.ts";

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
  try {
    const runtime = await openNativeRuntime({ gpu });
    runtime.logListeners.add(log);
    stopListening = () => void runtime.logListeners.delete(log);
    const loaded = await load(runtime);
    const dispose = async (): Promise<void> => {
      await loaded.dispose();
      stopListening();
    };
    return { ...loaded, dispose };
  } catch (error) {
    stopListening();
    throw toLoadError(error);
  }
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
