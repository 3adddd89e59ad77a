/**
 * The native library of the process: imported when a model is first loaded (the import takes seconds), then shared by
 * every model on the same kind of device, because its state is global: with a second instance, the library's own lines
 * go to standard error past the logger. It is never disposed: another model may live on it.
 */

import type * as nativeLibrary from "node-llama-cpp";
import type { NativeLog } from "../host/native-model.ts";

export type NativeModule = typeof nativeLibrary;

export interface NativeRuntime {
  readonly module: NativeModule;
  readonly llama: nativeLibrary.Llama;
  /** Called with each warning and each error of the native library. */
  readonly logListeners: Set<NativeLog>;
}

const runtimes = new Map<string, Promise<NativeRuntime>>();

/** @throws Error of the library, e.g. `NoBinaryFoundError`; the next call tries again. */
export async function openNativeRuntime(options: { gpu: boolean }): Promise<NativeRuntime> {
  const key = String(options.gpu);
  const known = runtimes.get(key);
  if (known !== undefined) return known;
  const opening = startNativeRuntime(options);
  runtimes.set(key, opening);
  opening.catch(() => runtimes.delete(key));
  return opening;
}

async function startNativeRuntime(options: { gpu: boolean }): Promise<NativeRuntime> {
  const module = await import("node-llama-cpp");
  const logListeners: NativeRuntime["logListeners"] = new Set();
  const llama = await module.getLlama({
    gpu: options.gpu ? "auto" : false,
    // Any other value would compile the library inside the server when no binary fits.
    build: "never",
    skipDownload: true,
    progressLogs: false,
    // No common limit: it would take threads from one context while another computes. Each context says how many it
    // takes.
    maxThreads: 0,
    logLevel: module.LlamaLogLevel.warn,
    logger: (level, line) => {
      const { warn, error, fatal } = module.LlamaLogLevel;
      if (level !== warn && level !== error && level !== fatal) return;
      for (const listener of logListeners) listener(level === warn ? "warn" : "error", line);
    },
  });
  return { module, llama, logListeners };
}
