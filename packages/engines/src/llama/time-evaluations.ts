/** Times the evaluations of one native context, without the sampling that follows each. */

import type { NativeContext } from "./native-context.ts";

/**
 * @param now milliseconds since any moment. Default: the clock.
 * @returns how many milliseconds they have taken so far, failed ones included.
 */
export function timeEvaluations(
  native: Pick<NativeContext, "decodeBatch">,
  now: () => number = () => performance.now(),
): () => number {
  const decodeBatch = native.decodeBatch.bind(native);
  let totalMs = 0;
  const value = async (): Promise<unknown> => {
    const startedAt = now();
    try {
      return await decodeBatch();
    } finally {
      totalMs += now() - startedAt;
    }
  };
  Object.defineProperty(native, "decodeBatch", { value });
  return () => totalMs;
}
