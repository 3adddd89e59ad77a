/** Servers whose responses forget the conversation that they are in, or read another account's. */

import { appendTurn } from "../../operations/conversations.ts";
import { type Mutant, mutateOperation, omit } from "../mutant.ts";
import { lose, mutateResponse } from "./changes.ts";

export const conversationTurnMutants: readonly Mutant[] = [
  lose(
    {
      id: "responses.ignores-conversation",
      description: "`conversation` is ignored",
      intended: [
        "responses.conversation.reaches-the-model",
        "responses.conversation.streamed",
        "responses.conversation.grows",
        "responses.conversation.named-in-answer",
        "responses.conversation.unknown",
        "responses.conversation.other-account",
      ],
    },
    (request) => omit(request, "conversation"),
  ),
  lose(
    {
      id: "responses.conversation-as-text-only",
      description: "a conversation that is named by an object is ignored",
      intended: ["responses.conversation.reaches-the-model"],
    },
    (request) => (typeof request["conversation"] === "object" ? omit(request, "conversation") : request),
  ),
  lose(
    {
      id: "responses.stream-ignores-conversation",
      description: "a streamed response ignores its conversation",
      intended: ["responses.conversation.streamed"],
    },
    (request) => (request["stream"] === true ? omit(request, "conversation") : request),
  ),
  mutateResponse(
    {
      id: "responses.conversation-not-named",
      description: "a response does not say which conversation it is in",
      intended: ["responses.conversation.named-in-answer"],
    },
    (response) => omit(response, "conversation"),
  ),
  mutateOperation(
    {
      id: "responses.conversation-keeps-nothing",
      description: "a conversation does not get the turns of its responses",
      intended: ["responses.conversation.grows"],
    },
    "createResponse",
    ({ answer }) => ({
      answer: (request, context) =>
        answer(request["conversation"] === undefined ? request : { ...request, store: false }, context),
    }),
  ),
  mutateOperation(
    {
      id: "responses.conversation-begins-unknown",
      description: "a conversation that is not there is taken for an empty one",
      intended: ["responses.conversation.unknown"],
    },
    "createResponse",
    ({ answer }) => ({
      answer: (request, context) =>
        answer(
          request["conversation"] === "conv_conformance_unknown" ? omit(request, "conversation") : request,
          context,
        ),
    }),
  ),
  mutateOperation(
    {
      id: "responses.conversation-of-all",
      description: "any account goes on from a conversation",
      intended: ["responses.conversation.other-account"],
    },
    "createResponse",
    ({ answer }) => ({
      answer: (request, context) =>
        answer(request, request["conversation"] === undefined ? context : { ...context, account: "reference" }),
    }),
  ),
  mutateOperation(
    {
      id: "responses.conversation-grows-twice",
      description: "a conversation gets the answer of a response once more",
      intended: ["responses.conversation.grows"],
    },
    "createResponse",
    ({ answer }) => ({
      answer(request, context) {
        const found = answer(request, context);
        const { conversation } = request;
        if ("status" in found || typeof conversation !== "string") return found;
        const again = found.output.map(({ item }) => ({ ...item, id: `${String(item["id"])}_again` }));
        appendTurn(context.account, conversation, again);
        return found;
      },
    }),
  ),
];
