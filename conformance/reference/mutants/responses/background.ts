/** Servers that run nothing in the background, lose what runs there, or can't stop it. */

import { type Mutant, mutateOperation, omit } from "../mutant.ts";
import { findKept } from "../../operations/kept-responses.ts";
import { makeRefusal } from "../../refusal.ts";
import { lose, mutateEvents } from "./changes.ts";

/** Changes a response that was made in the background, whenever it is read again. */
function changeRead(
  naming: { readonly id: string; readonly description: string; readonly intended: readonly string[] },
  change: (response: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Mutant {
  return mutateOperation(naming, "getResponse", ({ answer }) => ({
    answer: (request, context) => {
      const found = answer(request, context);
      const isBackground = !("status" in found) && found.response["background"] === true;
      return isBackground ? { ...found, response: change(found.response) } : found;
    },
  }));
}

export const responseBackgroundMutants: readonly Mutant[] = [
  lose(
    {
      id: "responses.background.ignored",
      description: "`background: true` is ignored",
      intended: ["responses.background.begins", "responses.background.resume"],
    },
    (request) => omit(request, "background"),
  ),
  changeRead(
    {
      id: "responses.background.without-output",
      description: "a response that was made in the background has no output",
      intended: ["responses.background.completes", "responses.background.left"],
    },
    (response) => ({ ...response, output: [] }),
  ),
  changeRead(
    {
      id: "responses.background.without-usage",
      description: "a response that was made in the background has no usage",
      intended: ["responses.background.usage"],
    },
    (response) => ({ ...response, usage: null }),
  ),
  mutateEvents(
    {
      id: "responses.background.stream-from-one",
      description: "the events of a stream in the background are numbered from 1",
      intended: ["responses.background.stream-numbers"],
    },
    (events) =>
      events.some(({ type }) => type === "response.queued")
        ? events.map((event, index) => ({ ...event, sequence_number: index + 1 }))
        : events,
  ),
  mutateOperation(
    {
      id: "responses.background.resumes-at",
      description: "a stream is gone on with at the event that the client has already",
      intended: ["responses.background.resume"],
    },
    "getResponse",
    ({ answer }) => ({
      answer: (request, context) => {
        const { starting_after: after } = request;
        return answer(after === undefined ? request : { ...request, starting_after: Number(after) - 1 }, context);
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.background.ends-with-its-client",
      description: "a response in the background that was streamed is gone when its client leaves",
      intended: ["responses.background.left"],
    },
    "getResponse",
    ({ answer }) => ({
      answer: (request, context) => {
        const kept = findKept(context.account, request["response_id"]);
        const isLeft = kept?.isStreamed === true && kept.background !== null && request["stream"] !== "true";
        return isLeft ? makeRefusal("not_found", { param: "response_id" }) : answer(request, context);
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.background.cancel-nothing",
      description: "a cancellation cancels nothing",
      intended: ["responses.background.cancel"],
    },
    "cancelResponse",
    ({ answer }) => ({
      answer: (request, context) => {
        const found = answer(request, context);
        const isCancelled = !("status" in found) && found.response["status"] === "cancelled";
        return isCancelled ? { ...found, response: { ...found.response, status: "in_progress" } } : found;
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.background.cancel-once",
      description: "a response that has ended can't be cancelled",
      intended: ["responses.background.cancel-again"],
    },
    "cancelResponse",
    ({ answer }) => ({
      answer: (request, context) => {
        const kept = findKept(context.account, request["response_id"]);
        return kept?.background?.status === "ended"
          ? makeRefusal("invalid_value", { param: "response_id" })
          : answer(request, context);
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.background.stores-nothing",
      description: "`background: true` with `store: false` is accepted",
      intended: ["responses.background.not-stored"],
    },
    "createResponse",
    ({ validate }) => ({
      validate: (request) => validate(request["background"] === true ? omit(request, "store") : request),
    }),
  ),
];
