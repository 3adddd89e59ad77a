/**
 * Keeps the draws of one context apart. Sequences that share a batch draw their tokens on the library's thread pool at
 * the same time, and in the pinned release the first look at a batch's logits still puts its rows in order: without
 * this, one stream is now and then answered from another stream's prediction. Later releases hold a lock there.
 *
 * @see docs/decisions/2026-11-23-draws-of-one-context-are-serialised.md
 */

import type { LlamaContext } from "node-llama-cpp";

type SampleToken = (...options: readonly unknown[]) => Promise<unknown>;

interface NativeContext {
  readonly sampleToken: SampleToken;
}

/**
 * Makes every draw of the context wait for the one before it.
 *
 * @throws Error when the context is not built as the pinned release builds it: answers that may be somebody else's are
 *   worse than none.
 */
export function serialiseSampling(context: LlamaContext): void {
  const native = findNativeContext(context);
  const sampleToken = native.sampleToken.bind(native);
  let last: Promise<unknown> = Promise.resolve();
  const value: SampleToken = async (...options) => {
    const draw = last.then(async () => sampleToken(...options));
    last = draw.catch(() => {});
    return draw;
  };
  Object.defineProperty(native, "sampleToken", { value });
}

function findNativeContext(context: object): NativeContext {
  const native: unknown = "_ctx" in context ? context._ctx : undefined;
  if (!isNativeContext(native)) {
    throw new Error("This release of node-llama-cpp is not the pinned one: its native context can't be found.");
  }
  return native;
}

function isNativeContext(value: unknown): value is NativeContext {
  return (
    typeof value === "object" && value !== null && "sampleToken" in value && typeof value.sampleToken === "function"
  );
}
