/** Tries what the load of a model does before its file is read: the same entry, the same environment, the same library. */

import { startNativeModel } from "./native-process.ts";
import type { NativeProcessLimits } from "./process-limits.ts";

export type NativeLibraryName = "llama" | "onnx";

export interface TriedLibrary {
  /** From the start of the process until it had loaded the library. */
  readonly durationMs: number;
  /** Of the process then. */
  readonly rssBytes: number;
}

/** The process has ended when this resolves. @throws AiError `engine_unavailable`, whose cause says why */
export async function tryNativeLibrary(name: NativeLibraryName, limits: NativeProcessLimits): Promise<TriedLibrary> {
  const startedAtMs = performance.now();
  const process = await startNativeModel(`${name}-library`, null, { limits });
  const durationMs = performance.now() - startedAtMs;
  const rssBytes = await process.model.answers.measure(null, new AbortController().signal);
  await process.close();
  return { durationMs, rssBytes };
}
