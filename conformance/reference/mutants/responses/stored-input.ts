/** Servers that list the input of a response wrongly, or keep of it what was deleted. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { findKept, keepResponse } from "../../operations/kept-responses.ts";
import { type Mutant, mutateOperation, mutateReply, type Naming, omit } from "../mutant.ts";

/** Of the key that most checks use. */
const OWNER = "reference";

type StoredOperation = "deleteResponse" | "listInputItems";

/** Takes every caller for the owner. */
function shareWithAll(operation: StoredOperation, intended: string): Mutant {
  const naming = {
    id: `${intended}-let-in`,
    description: `${operation} does not ask whose it is`,
    intended: [intended],
  };
  return mutateOperation(naming, operation, ({ answer }) => ({
    answer: (request, context) => answer(request, { ...context, account: OWNER }),
  }));
}

function unknownIs400(operation: StoredOperation, intended: string): Mutant {
  return mutateReply(
    { id: `${intended}-is-400`, description: `${operation} answers an unknown id with 400`, intended: [intended] },
    (reply, call) => call.operation === operation && reply.status === 404 && call.path.includes("conformance_unknown"),
    () => ({ status: 400 }),
  );
}

function change(naming: Naming, operation: StoredOperation, edit: (body: JsonObject) => JsonObject): Mutant {
  return mutateOperation(naming, operation, () => ({ encode: ({ response }) => edit(response) }));
}

export const storedInputMutants: readonly Mutant[] = [
  shareWithAll("listInputItems", "responses.input-items.other-account"),
  shareWithAll("deleteResponse", "responses.delete.other-account"),
  unknownIs400("listInputItems", "responses.input-items.unknown-404"),
  unknownIs400("deleteResponse", "responses.delete.unknown-404"),
  mutateOperation(
    {
      id: "responses.input-items.after-ignored",
      description: "a list of input does not look at `after`",
      intended: ["responses.input-items.pages"],
    },
    "listInputItems",
    ({ answer }) => ({ answer: (request, context) => answer(omit(request, "after"), context) }),
  ),
  mutateOperation(
    {
      id: "responses.input-items.oldest-first",
      description: "a list of input without an order begins with the oldest item",
      intended: ["responses.input-items.order"],
    },
    "listInputItems",
    ({ answer }) => ({ answer: (request, context) => answer({ order: "asc", ...request }, context) }),
  ),
  change(
    {
      id: "responses.input-items.without-ids",
      description: "a page of input does not say its first and last id",
      intended: ["responses.input-items.shape"],
    },
    "listInputItems",
    (body) => omit(omit(body, "first_id"), "last_id"),
  ),
  change(
    {
      id: "responses.input-items.without-role",
      description: "a text that was asked is listed as said by the assistant",
      intended: ["responses.input-items.text"],
    },
    "listInputItems",
    (body) => ({
      ...body,
      data: [body["data"]].flat().map((item) => (isJsonObject(item) ? { ...item, role: "assistant" } : item)),
    }),
  ),
  change(
    {
      id: "responses.delete-without-word",
      description: "the deletion of a response is answered with an empty object",
      intended: ["responses.delete.answer"],
    },
    "deleteResponse",
    () => ({}),
  ),
  mutateOperation(
    {
      id: "responses.delete-nothing",
      description: "the deletion of a response only says that it deletes",
      intended: ["responses.delete.final", "responses.delete.items"],
    },
    "deleteResponse",
    ({ answer }) => ({
      answer(request, context) {
        const id = String(request["response_id"]);
        const kept = findKept(context.account, id);
        const found = answer(request, context);
        if (kept !== undefined) keepResponse(context.account, id, kept);
        return found;
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.delete-keeps-items",
      description: "the items of a deleted response are kept",
      intended: ["responses.delete.items"],
    },
    "deleteResponse",
    ({ answer }) => ({
      answer(request, context) {
        const id = String(request["response_id"]);
        const kept = findKept(context.account, id);
        const found = answer(request, context);
        if (kept !== undefined) keepResponse(context.account, `${id}_items`, kept);
        return found;
      },
    }),
  ),
];
