/**
 * Keeps the draws of one context apart. Sequences that share a batch draw their tokens on the library's thread pool at
 * the same time, and in the pinned release the first look at a batch's logits still puts its rows in order: without
 * this, one stream is now and then answered from another stream's prediction. Later releases hold a lock there.
 *
 * @see docs/decisions/2026-11-23-draws-of-one-context-are-serialised.md
 */

import type { NativeContext, SampleToken } from "./native-context.ts";

/** Makes every draw of the context wait for the one before it. */
export function serialiseSampling(native: NativeContext): void {
  const sampleToken = native.sampleToken.bind(native);
  let last: Promise<unknown> = Promise.resolve();
  const value: SampleToken = async (...options) => {
    const draw = last.then(async () => sampleToken(...options));
    last = draw.catch(() => {});
    return draw;
  };
  Object.defineProperty(native, "sampleToken", { value });
}
