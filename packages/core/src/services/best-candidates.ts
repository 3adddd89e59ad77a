/** `best_of`: of several texts for a prompt, those that the model finds likeliest, per token. */

import type { CompletionChoiceEvent } from "./completion-request.ts";

export interface BestCandidatesOptions {
  readonly choices: number;
  /** More than `choices`. Those of the first prompt have the first indices. */
  readonly candidates: number;
  /** Whether the probabilities by which they are compared are also reported. */
  readonly tellsLogprobs: boolean;
}

/** Nothing of a prompt's texts is known before all of them are there; likeliest first. */
export async function* keepBest(
  events: AsyncIterable<CompletionChoiceEvent>,
  { choices, candidates, tellsLogprobs }: BestCandidatesOptions,
): AsyncGenerator<CompletionChoiceEvent, void> {
  const drafts = new Map<number, Draft>();
  for await (const event of events) {
    const promptIndex = Math.floor(event.index / candidates);
    const draft = drafts.get(promptIndex) ?? createDraft(candidates);
    drafts.set(promptIndex, draft);
    draft.texts[event.index % candidates]?.push(event);
    if (event.type === "choice-end") draft.ended += 1;
    if (draft.ended < candidates) continue;
    drafts.delete(promptIndex);
    const best = draft.texts.toSorted((left, right) => meanLogprob(right) - meanLogprob(left)).slice(0, choices);
    for (const [position, text] of best.entries()) {
      for (const one of text) yield renumber(one, promptIndex * choices + position, tellsLogprobs);
    }
  }
}

/** The texts of one prompt while they are written. */
interface Draft {
  readonly texts: readonly CompletionChoiceEvent[][];
  ended: number;
}

function createDraft(candidates: number): Draft {
  return { texts: Array.from({ length: candidates }, () => []), ended: 0 };
}

/** A text without a token comes last. */
function meanLogprob(events: readonly CompletionChoiceEvent[]): number {
  const logprobs = events.flatMap((event) => (event.type === "text-delta" ? (event.logprobs ?? []) : []));
  if (logprobs.length === 0) return Number.NEGATIVE_INFINITY;
  return logprobs.reduce((sum, { logprob }) => sum + logprob, 0) / logprobs.length;
}

function renumber(event: CompletionChoiceEvent, index: number, tellsLogprobs: boolean): CompletionChoiceEvent {
  return event.type === "choice-end" || tellsLogprobs ? { ...event, index } : { ...event, index, logprobs: null };
}
