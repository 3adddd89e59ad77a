/** A native library in a process of its own, without a model: shows that such a process can be started and can load it. */

import type { NativeAnswer, NativeModel } from "./native-model.ts";

export interface LoadedLibrary extends NativeModel {
  readonly answers: {
    /** Resident bytes of the process. */
    readonly measure: NativeAnswer<null, number>;
  };
}

/** @throws what `load` throws */
export async function openNativeLibrary(load: () => Promise<unknown>): Promise<LoadedLibrary> {
  await load();
  return { answers: { measure: async () => process.memoryUsage.rss() }, streams: {}, dispose: async () => {} };
}
