/** The few ways of changing the wire that mutants of plain completions are written in. */

import type { TextCompletion, TextCompletionChoice } from "../../completion-answer.ts";
import { makeRefusal } from "../../refusal.ts";
import type { ChatBody } from "../../rules.ts";
import type { Mutant } from "../mutant.ts";

type Naming = Omit<Mutant, "mutate">;

/** Changes one-shot answers. */
export function mutateText(naming: Naming, change: (completion: TextCompletion, body: ChatBody) => unknown): Mutant {
  return { ...naming, mutate: () => ({ text: change }) };
}

/** Changes each choice of one-shot answers. */
export function mutateTextChoice(
  naming: Naming,
  change: (choice: TextCompletionChoice, body: ChatBody) => object,
): Mutant {
  return mutateText(naming, (completion, body) => ({
    ...completion,
    choices: completion.choices.map((choice) => change(choice, body)),
  }));
}

/** Loses parts of a valid request. */
export function lose(naming: Naming, change: (body: ChatBody) => ChatBody): Mutant {
  return { ...naming, mutate: () => ({ readText: change }) };
}

/** Refuses what is to be answered. */
export function refuse(naming: Naming, param: string, when: (body: ChatBody) => boolean): Mutant {
  return {
    ...naming,
    mutate: ({ judgeText }) => ({
      judgeText: (body) => (when(body) ? makeRefusal("invalid_value", { param }) : judgeText(body)),
    }),
  };
}

/** Answers what a wrong request might have meant. */
export function accept(naming: Naming, repair: (body: ChatBody) => ChatBody): Mutant {
  return {
    ...naming,
    mutate: ({ judgeText }) => ({ judgeText: (body) => judgeText(repair(body)), readText: repair }),
  };
}
