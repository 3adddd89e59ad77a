/**
 * Cuts the memory of a sequence. The library does it under a lock that it also holds to evaluate, and keeps as long as
 * decode steps arrive before the last ones are done: with a few streams out of step, the cut would wait until all of
 * them have ended. So it runs between decode steps.
 */

import type { LlamaContextSequence } from "node-llama-cpp";
import type { LoadedModel } from "./loaded-model.ts";
import type { Turn } from "./evaluation-scheduler.ts";

/** @param start index of the first token to erase; all later ones are erased too. @throws the signal's reason */
export async function eraseTokens(
  { scheduler }: Pick<LoadedModel, "scheduler">,
  sequence: LlamaContextSequence,
  { start, ...turn }: Turn & { readonly start: number },
): Promise<void> {
  const end = sequence.nextTokenIndex;
  if (start < end) await scheduler.runAlone(turn, () => sequence.eraseContextTokenRanges([{ start, end }]));
}
