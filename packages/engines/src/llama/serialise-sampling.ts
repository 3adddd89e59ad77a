/**
 * Keeps the draws of one context apart. Sequences that share a batch draw their tokens on the library's thread pool at
 * the same time, and in the pinned release the first look at a batch's logits still puts its rows in order: without
 * this, one stream is now and then answered from another stream's prediction. Later releases hold a lock there.
 *
 * @see docs/decisions/2026-11-23-draws-of-one-context-are-serialised.md
 */

import type { NativeContext, NativeSampler, SampleToken } from "./native-context.ts";

/** A draw that takes longer is slow: nothing but a grammar with very many states takes a tenth of it. */
const SLOW_DRAW_MS = 500;
/** All slow draws of one generation together, in milliseconds: no other call samples meanwhile, and none can be interrupted. */
const SLOW_DRAWS_MS_MAX = 5000;
/** The library's number for no sampled token: it ends the evaluation with an error. */
const NO_TOKEN = -1;

/**
 * Runs the sampling steps of the context one after the other. A generation whose steps have made the others wait for too long samples
 * no more.
 *
 * @param now milliseconds since any moment. Default: the clock.
 */
export function serialiseSampling(native: NativeContext, now: () => number = () => performance.now()): void {
  const sampleToken = native.sampleToken.bind(native);
  const slowMs = new WeakMap<NativeSampler, number>();
  let last: Promise<unknown> = Promise.resolve();
  const drawTimed: SampleToken = async (...options) => {
    const [, sampler, probabilities] = options;
    const spentMs = slowMs.get(sampler) ?? 0;
    if (spentMs > SLOW_DRAWS_MS_MAX) return probabilities === undefined ? NO_TOKEN : [NO_TOKEN];
    const startedAt = now();
    const drawn = await sampleToken(...options);
    const tookMs = now() - startedAt;
    if (tookMs >= SLOW_DRAW_MS) slowMs.set(sampler, spentMs + tookMs);
    return drawn;
  };
  const value: SampleToken = async (...options) => {
    const draw = last.then(async () => drawTimed(...options));
    last = draw.catch(() => {});
    return draw;
  };
  Object.defineProperty(native, "sampleToken", { value });
}

/** Whether an evaluation ended because no token was drawn: none fits the grammar, or its draws were slow. */
export function isNoTokenError(error: unknown): boolean {
  return error instanceof Error && error.message === "Failed to sample next token";
}
