/** Servers that lose responses, show them to the wrong account, or say wrongly that they can't be cancelled. */

import { findKept } from "../../operations/kept-responses.ts";
import { makeRefusal } from "../../refusal.ts";
import { type Mutant, mutateOperation, mutateReply, omit } from "../mutant.ts";

/** Of the key that most checks use. */
const OWNER = "reference";

/** Takes every caller for the owner. */
function shareWithAll(operation: "getResponse" | "cancelResponse", intended: string): Mutant {
  const naming = {
    id: `${intended}-let-in`,
    description: `${operation} does not ask whose it is`,
    intended: [intended],
  };
  return mutateOperation(naming, operation, ({ answer }) => ({
    answer: (request, context) => answer(request, { ...context, account: OWNER }),
  }));
}

export const responseRetrievalMutants: readonly Mutant[] = [
  shareWithAll("getResponse", "responses.get.other-account"),
  shareWithAll("cancelResponse", "responses.cancel.other-account"),
  mutateOperation(
    {
      id: "responses.get.without-output",
      description: "a retrieved response has no output",
      intended: ["responses.get.same", "responses.get.streamed"],
    },
    "getResponse",
    () => ({
      encode: ({ response }) => (response["background"] === true ? response : { ...response, output: [] }),
    }),
  ),
  mutateOperation(
    {
      id: "responses.get.without-tools",
      description: "a retrieved response has no list of tools",
      intended: ["responses.get.shape"],
    },
    "getResponse",
    () => ({ encode: ({ response }) => omit(response, "tools") }),
  ),
  mutateOperation(
    {
      id: "responses.get.streams-as-begun",
      description: "a streamed response is stored as it was when it began",
      intended: ["responses.get.streamed"],
    },
    "getResponse",
    ({ answer }) => ({
      answer(request, context) {
        const found = answer(request, context);
        const kept = findKept(context.account, request["response_id"]);
        if ("status" in found || kept?.isStreamed !== true || kept.background !== null) return found;
        return { ...found, response: { ...found.response, status: "in_progress", output: [] } };
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.get.refuses-include",
      description: "a list in the query is refused",
      intended: ["responses.get.include"],
    },
    "getResponse",
    ({ validate }) => ({
      validate: (request) =>
        "include" in request ? makeRefusal("invalid_value", { param: "include" }) : validate(request),
    }),
  ),
  mutateReply(
    {
      id: "responses.get.unknown-is-400",
      description: "an unknown id is a 400",
      intended: ["responses.get.unknown-404"],
    },
    (reply, { operation, path }) =>
      operation === "getResponse" && reply.status === 404 && path.endsWith("conformance_unknown"),
    () => ({ status: 400 }),
  ),
  mutateReply(
    {
      id: "responses.cancel.unknown-is-400",
      description: "cancelling an unknown id is a 400",
      intended: ["responses.cancel.unknown-404"],
    },
    (reply, { operation, path }) =>
      operation === "cancelResponse" && reply.status === 404 && path.includes("conformance_unknown"),
    () => ({ status: 400 }),
  ),
  mutateReply(
    {
      id: "responses.cancel.pretends",
      description: "a response that has ended is cancelled all the same",
      intended: ["responses.cancel.not-background"],
    },
    (reply, { operation }) => operation === "cancelResponse" && reply.status === 400,
    () => ({ status: 200 }),
  ),
];
