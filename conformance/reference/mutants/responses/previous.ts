/** Servers that forget what a response goes on from, or know too much of it. */

import type { Fields } from "../../operations/operation.ts";
import { type Mutant, mutateOperation, omit } from "../mutant.ts";
import { lose, refuse } from "./changes.ts";

export const responsePreviousMutants: readonly Mutant[] = [
  lose(
    {
      id: "responses.ignores-previous",
      description: "`previous_response_id` is ignored",
      intended: [
        "responses.previous.reaches-the-model",
        "responses.previous.through-two",
        "responses.previous.not-stored",
        "responses.previous.other-account",
        "responses.create.unknown-previous",
      ],
    },
    (request) => omit(request, "previous_response_id"),
  ),
  mutateOperation(
    {
      id: "responses.knows-one-turn",
      description: "only the last turn of a conversation is known",
      intended: ["responses.previous.through-two"],
    },
    "createResponse",
    ({ answer }) => {
      const later = new Set<unknown>();
      return {
        answer(request, context) {
          const { previous_response_id: previous } = request;
          const found = answer(later.has(previous) ? omit(request, "previous_response_id") : request, context);
          if (!("status" in found) && typeof previous === "string") later.add(found.response["id"]);
          return found;
        },
      };
    },
  ),
  mutateOperation(
    {
      id: "responses.keeps-instructions",
      description: "the instructions of a response hold for those that go on from it",
      intended: ["responses.previous.without-instructions"],
    },
    "createResponse",
    ({ answer }) => {
      const kept = new Map<unknown, unknown>();
      return {
        answer(request: Fields, context) {
          const { previous_response_id: previous, instructions = kept.get(previous) } = request;
          const found = answer({ ...request, instructions }, context);
          if (!("status" in found)) kept.set(found.response["id"], instructions);
          return found;
        },
      };
    },
  ),
  lose(
    {
      id: "responses.stores-all",
      description: "`store: false` is ignored",
      intended: ["responses.previous.not-stored", "responses.get.not-stored"],
    },
    (request) => omit(request, "store"),
  ),
  refuse(
    {
      id: "responses.refuses-references",
      description: "a reference to an item is refused",
      intended: ["responses.previous.item-reference"],
    },
    ({ input }) => Array.isArray(input) && JSON.stringify(input).includes('"id":"msg_reference'),
  ),
  mutateOperation(
    {
      id: "responses.one-store-for-all",
      description: "any account goes on from a response",
      // Nor are compactions its caller's own then.
      intended: ["responses.previous.other-account", "responses.compact.goes-on"],
    },
    "createResponse",
    ({ answer }) => ({ answer: (request, context) => answer(request, { ...context, account: "everybody" }) }),
  ),
];
