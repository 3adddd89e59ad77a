/** The few ways of changing the wire that mutants of plain completions are written in. */

import { encodeTextCompletion, type TextCompletion, type TextCompletionChoice } from "../../operations/text-answer.ts";
import { makeRefusal } from "../../refusal.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { type Mutant, mutateOperation, type Naming } from "../mutant.ts";

/** Changes non-streaming answers. */
export function mutateText(naming: Naming, change: (completion: TextCompletion, body: ChatBody) => unknown): Mutant {
  return mutateOperation(naming, "createCompletion", () => ({
    encode: (answer) => change(encodeTextCompletion(answer), answer.request),
  }));
}

/** Changes each choice of non-streaming answers. */
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
  return mutateOperation(naming, "createCompletion", ({ answer }) => ({
    answer: (request, context) => answer(change(request), context),
  }));
}

/** Refuses what is to be answered. */
export function refuse(naming: Naming, param: string, when: (body: ChatBody) => boolean): Mutant {
  return mutateOperation(naming, "createCompletion", ({ validate }) => ({
    validate: (request) => (when(request) ? makeRefusal("invalid_value", { param }) : validate(request)),
  }));
}

/** Answers what a wrong request might have meant. */
export function accept(naming: Naming, repair: (body: ChatBody) => ChatBody): Mutant {
  return mutateOperation(naming, "createCompletion", ({ decode }) => ({
    decode: (call, reader) => {
      const decoded = decode(call, reader);
      return "fields" in decoded ? { fields: repair(decoded.fields) } : decoded;
    },
  }));
}
