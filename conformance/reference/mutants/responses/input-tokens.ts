/** Servers that count input tokens otherwise than their responses read them. */

import type { Fields } from "../../operations/operation.ts";
import { type Mutant, mutateOperation, type Naming, omit } from "../mutant.ts";

/** Counts without a field. */
function lose(naming: Naming, name: string, when: (request: Fields) => boolean = () => true): Mutant {
  return mutateOperation(naming, "Getinputtokencounts", ({ answer }) => ({
    answer: (request, context) => answer(when(request) ? omit(request, name) : request, context),
  }));
}

export const inputTokenMutants: readonly Mutant[] = [
  mutateOperation(
    {
      id: "responses.input-tokens.other-object",
      description: "a count does not say what it is",
      intended: [
        "responses.input-tokens.shape",
        "responses.input-tokens.same",
        "responses.input-tokens.tools",
        "responses.input-tokens.previous",
        "responses.input-tokens.conversation",
        "responses.input-tokens.other-account",
      ],
    },
    "Getinputtokencounts",
    () => ({ encode: ({ tokens }) => ({ input_tokens: tokens }) }),
  ),
  mutateOperation(
    {
      id: "responses.input-tokens.by-characters",
      description: "input tokens are counted as quarters of characters",
      intended: ["responses.input-tokens.same", "responses.input-tokens.tools"],
    },
    "Getinputtokencounts",
    ({ answer }) => ({
      answer(request, context) {
        const found = answer(request, context);
        return "status" in found ? found : { ...found, tokens: Math.ceil(found.tokens * 1.25) };
      },
    }),
  ),
  lose(
    {
      id: "responses.input-tokens.without-instructions",
      description: "instructions are not counted",
      intended: ["responses.input-tokens.same"],
    },
    "instructions",
  ),
  mutateOperation(
    {
      id: "responses.input-tokens.tools-twice",
      description: "tools are counted by their size, not as they are read",
      intended: ["responses.input-tokens.tools"],
    },
    "Getinputtokencounts",
    ({ answer }) => ({
      answer(request, context) {
        const found = answer(request, context);
        if ("status" in found || !Array.isArray(request["tools"])) return found;
        return { ...found, tokens: found.tokens + JSON.stringify(request["tools"]).length };
      },
    }),
  ),
  lose(
    {
      id: "responses.input-tokens.without-previous",
      description: "what was said before is not counted",
      intended: ["responses.input-tokens.previous", "responses.input-tokens.other-account"],
    },
    "previous_response_id",
  ),
  lose(
    {
      id: "responses.input-tokens.without-conversation",
      description: "the items of a conversation are not counted",
      intended: ["responses.input-tokens.conversation"],
    },
    "conversation",
  ),
  mutateOperation(
    {
      id: "responses.input-tokens.of-all",
      description: "any account counts what another one has said",
      intended: ["responses.input-tokens.other-account"],
    },
    "Getinputtokencounts",
    ({ answer }) => ({ answer: (request, context) => answer(request, { ...context, account: "reference" }) }),
  ),
  mutateOperation(
    {
      id: "responses.input-tokens.any-input",
      description: "any input is counted",
      intended: ["responses.input-tokens.refuses-type"],
    },
    "Getinputtokencounts",
    () => ({ validate: () => null }),
  ),
];
