/** Responses that lack something, streams whose events are out of order, and answers to what should be refused. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import type { Fields } from "../../operations/operation.ts";
import { isRefusal } from "../../operations/operation.ts";
import { type Mutant, mutateOperation, mutateReply, type Naming, omit } from "../mutant.ts";

const OPERATION = "createResponse";

/** Changes the object of an answer that is no stream. */
function mutateResponse(naming: Naming, change: (response: JsonObject) => JsonObject): Mutant {
  return mutateOperation(naming, OPERATION, () => ({ encode: ({ response }) => change(response) }));
}

/** Changes each item of an answer that is no stream. */
function mutateItems(naming: Naming, change: (item: JsonObject) => JsonObject): Mutant {
  return mutateResponse(naming, (response) => {
    const output: readonly unknown[] = Array.isArray(response["output"]) ? response["output"] : [];
    return { ...response, output: output.map((item) => (isJsonObject(item) ? change(item) : item)) };
  });
}

/** Changes the events of a stream, each null being left out, and numbers them anew. */
function mutateEvents(naming: Naming, change: (event: JsonObject) => JsonObject | null): Mutant {
  return mutateOperation(naming, OPERATION, ({ encodeStream }) => ({
    encodeStream: (answer) => {
      const events = (encodeStream?.(answer) ?? []).filter(isJsonObject).map(change);
      return events.filter((event) => event !== null).map((event, index) => ({ ...event, sequence_number: index }));
    },
  }));
}

/** Answers another request than was sent. */
function mutateAnswer(naming: Naming, change: (request: Fields, isRefused: boolean) => Fields): Mutant {
  return mutateOperation(naming, OPERATION, ({ answer }) => ({
    answer: (request, context) => {
      const found = answer(request, context);
      const changed = change(request, isRefusal(found));
      return changed === request ? found : answer(changed, context);
    },
  }));
}

const isLast = ({ type }: JsonObject): boolean => type === "response.completed" || type === "response.incomplete";

/** In an object with the response in it. */
function renameItems(event: JsonObject): JsonObject {
  const { response } = event;
  const output: readonly unknown[] =
    isJsonObject(response) && Array.isArray(response["output"]) ? response["output"] : [];
  const renamed = output.map((item) => (isJsonObject(item) ? { ...item, id: `${String(item["id"])}_other` } : item));
  return isJsonObject(response) ? { ...event, response: { ...response, output: renamed } } : event;
}

const objectMutants: readonly Mutant[] = [
  mutateResponse(
    {
      id: "responses.create-without-time",
      description: "a response does not say when it was made",
      intended: ["responses.create.shape"],
    },
    (response) => omit(response, "created_at"),
  ),
  mutateItems(
    {
      id: "responses.create-without-text",
      description: "the message of a response is empty",
      intended: [
        "responses.create.text",
        "responses.format.json-object",
        "responses.format.json-schema",
        "responses.stream.equals-answer",
      ],
    },
    (item) =>
      item["type"] === "message"
        ? { ...item, content: [{ type: "output_text", text: "", annotations: [], logprobs: [] }] }
        : item,
  ),
  mutateItems(
    {
      id: "responses.create-call-without-arguments",
      description: "a call has no arguments",
      intended: ["responses.create.call", "responses.tools.strict-arguments"],
    },
    (item) => (item["type"] === "function_call" ? { ...item, arguments: "{}" } : item),
  ),
  mutateAnswer(
    {
      id: "responses.create-ignores-unknown-previous",
      description: "an earlier response that is not there is ignored",
      intended: [
        "responses.create.unknown-previous",
        "responses.previous.not-stored",
        "responses.previous.other-account",
      ],
    },
    (request, isRefused) => (isRefused ? omit(request, "previous_response_id") : request),
  ),
];

const streamMutants: readonly Mutant[] = [
  mutateEvents(
    {
      id: "responses.stream-event-without-tools",
      description: "the second event's response has no tools",
      intended: ["responses.stream.shape"],
    },
    (event) =>
      event["type"] === "response.in_progress" && isJsonObject(event["response"])
        ? { ...event, response: omit(event["response"], "tools") }
        : event,
  ),
  mutateEvents(
    {
      id: "responses.stream-without-end",
      description: "a stream ends without its last event",
      intended: ["responses.stream.first-last", "responses.stream.same-items"],
    },
    (event) => (isLast(event) ? null : event),
  ),
  mutateEvents(
    {
      id: "responses.stream-text-never-done",
      description: "a part ends before its text does",
      intended: ["responses.stream.order"],
    },
    (event) => (event["type"] === "response.output_text.done" ? null : event),
  ),
  mutateOperation(
    {
      id: "responses.stream-without-numbers",
      description: "all events have the number 0",
      intended: ["responses.stream.numbers", "responses.background.stream-numbers"],
    },
    OPERATION,
    ({ encodeStream }) => ({
      encodeStream: (answer) =>
        (encodeStream?.(answer) ?? []).map((event) => (isJsonObject(event) ? { ...event, sequence_number: 0 } : event)),
    }),
  ),
  mutateReply(
    {
      id: "responses.stream-without-names",
      description: "events have no names",
      intended: ["responses.stream.names"],
    },
    (reply, { operation }) => operation === OPERATION && /event-stream/.test(reply.headers["content-type"] ?? ""),
    ({ writes }) => ({
      writes: writes.map((write) => ({ ...write, data: String(write.data).replace(/^event: .*\n/, "") })),
    }),
  ),
  mutateEvents(
    {
      id: "responses.stream-renames-items",
      description: "the items of the last event have other ids",
      intended: ["responses.stream.same-items"],
    },
    (event) => (isLast(event) ? renameItems(event) : event),
  ),
  mutateEvents(
    {
      id: "responses.stream-repeats-text",
      description: "each piece of a text comes twice",
      intended: ["responses.stream.helper"],
    },
    (event) =>
      event["type"] === "response.output_text.delta"
        ? { ...event, delta: `${String(event["delta"])}${String(event["delta"])}` }
        : event,
  ),
];

export const createResponseMutants: readonly Mutant[] = [...objectMutants, ...streamMutants];
