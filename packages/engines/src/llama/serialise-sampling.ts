/**
 * Serialises the sampling steps of one context. Sequences that share a batch sample on the library's thread pool at the
 * same time, and in the pinned release the first access to a batch's logits reorders its rows: without this, one stream
 * now and then gets a token of another stream's prediction. Later releases hold a lock there.
 *
 * @see docs/decisions/2026-11-23-draws-of-one-context-are-serialised.md
 */

import type { NativeContext, NativeSampler, SampleToken } from "./native-context.ts";

/** A sampling step that takes longer is slow: nothing but a grammar with very many states takes a tenth of it. */
const SLOW_STEP_MS = 500;
/**
 * All slow steps of one generation together, in milliseconds: no other call samples meanwhile, and none can be
 * interrupted.
 */
const SLOW_STEPS_MS_MAX = 5000;
/** The library's number for no sampled token: it ends the evaluation with an error. */
const NO_TOKEN = -1;

/**
 * Runs the sampling steps of the context one after the other. A generation whose steps have made the others wait for
 * too long samples no more.
 *
 * @param now milliseconds since any moment. Default: the clock.
 */
export function serialiseSampling(
  native: Pick<NativeContext, "sampleToken">,
  now: () => number = () => performance.now(),
): void {
  const sampleToken = native.sampleToken.bind(native);
  const slowMs = new WeakMap<NativeSampler, number>();
  let last: Promise<unknown> = Promise.resolve();
  const sampleTimed: SampleToken = async (...options) => {
    const [, sampler, probabilities] = options;
    const spentMs = slowMs.get(sampler) ?? 0;
    if (spentMs > SLOW_STEPS_MS_MAX) return probabilities === undefined ? NO_TOKEN : [NO_TOKEN];
    const startedAt = now();
    const result = await sampleToken(...options);
    const tookMs = now() - startedAt;
    if (tookMs >= SLOW_STEP_MS) slowMs.set(sampler, spentMs + tookMs);
    return result;
  };
  const value: SampleToken = async (...options) => {
    const step = last.then(async () => sampleTimed(...options));
    last = step.catch(() => {});
    return step;
  };
  Object.defineProperty(native, "sampleToken", { value });
}

/** Whether an evaluation ended because no token was sampled: none fits the grammar, or its steps were slow. */
export function isNoTokenError(error: unknown): boolean {
  return error instanceof Error && error.message === "Failed to sample next token";
}
