/**
 * Cuts the memory of a sequence. The library does it under a lock that it also holds to evaluate, and keeps as long as draws
 * come in before the last ones are done: beside a few streams that draw out of step, it would wait until all of them have
 * ended. So it is done between their draws.
 */

import type { LlamaContextSequence } from "node-llama-cpp";
import type { LoadedModel } from "./loaded-model.ts";
import type { Turn } from "./prefill-scheduler.ts";

/** @param start the first token that goes; all behind it go too. @throws the signal's reason */
export async function eraseTokens(
  { prefill }: Pick<LoadedModel, "prefill">,
  sequence: LlamaContextSequence,
  { start, ...turn }: Turn & { readonly start: number },
): Promise<void> {
  const end = sequence.nextTokenIndex;
  if (start < end) await prefill.runAlone(turn, () => sequence.eraseContextTokenRanges([{ start, end }]));
}
