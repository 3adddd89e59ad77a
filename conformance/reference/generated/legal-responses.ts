/** Variations of responses and stored chats that are legal: what servers do, and every client takes. No check may object. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { ReferenceCall, Reply } from "../call.ts";
import { changeBody, changeEvents, readBody, readEvents, withData, type WrittenEvent } from "./edit-reply.ts";
import { modeOfReply, type Variation } from "./fault.ts";

type Change = (reply: Reply) => Reply;

/** Each response: that of an answer, and that in an event. */
function eachResponse(change: (response: JsonObject) => JsonObject): Change {
  const changeData = (data: unknown): unknown => {
    if (!isJsonObject(data)) return data;
    if (data["object"] === "response") return change(data);
    return isJsonObject(data["response"]) ? { ...data, response: change(data["response"]) } : data;
  };
  return (reply) =>
    modeOfReply(reply) === "stream"
      ? changeEvents(reply, (events) => events.map((event) => withData(event, changeData(event.data))))
      : changeBody(reply, changeData);
}

function inStreams(change: (events: readonly WrittenEvent[]) => readonly WrittenEvent[]): Change {
  return (reply) => (modeOfReply(reply) === "stream" ? changeEvents(reply, change) : reply);
}

/** Every event of the type becomes some, and all are counted anew. */
function eachEvent(type: string, change: (data: JsonObject) => readonly JsonObject[]): Change {
  return inStreams((events) =>
    count(
      events.flatMap((event) =>
        event.kind === type && event.data !== null ? change(event.data).map((data) => withData(event, data)) : [event],
      ),
    ),
  );
}

/** From the number of the first one on, which is not 0 where a stream is gone on with. */
function count(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  const first = Number(events[0]?.data?.["sequence_number"] ?? 0);
  return events.map((event, index) =>
    event.data === null ? event : withData(event, { ...event.data, sequence_number: first + index }),
  );
}

const DELTA = "response.output_text.delta";
/** An answer to a client that reads none of it. */
const REASONING = { id: "rs_variation", type: "reasoning", summary: [] };

function splitDelta(data: JsonObject): readonly JsonObject[] {
  const { delta, logprobs } = data;
  if (typeof delta !== "string" || (Array.isArray(logprobs) && logprobs.length > 0)) return [data];
  return Array.from(delta, (letter) => ({ ...data, delta: letter }));
}

function joinDeltas(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  const texts = events.filter(({ kind }) => kind === DELTA);
  const [first] = texts;
  if (first === undefined) return events;
  const delta = texts.map(({ data }) => String(data?.["delta"])).join("");
  const logprobs = texts.flatMap(({ data }): readonly unknown[] =>
    Array.isArray(data?.["logprobs"]) ? data["logprobs"] : [],
  );
  const whole = withData(first, { ...first.data, delta, logprobs });
  return count(events.flatMap((event) => (event === first ? [whole] : event.kind === DELTA ? [] : [event])));
}

/** An item of reasoning before all others. */
function reasonFirst(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  const moved = events.map((event) => {
    const { output_index: index } = event.data ?? {};
    return typeof index === "number" ? withData(event, { ...event.data, output_index: index + 1 }) : event;
  });
  const at = moved.findIndex(({ kind }) => kind === "response.output_item.added");
  const [model] = moved.slice(at, at + 1);
  if (at === -1 || model === undefined) return events;
  const added = ["added", "done"].map((what) => {
    const type = `response.output_item.${what}`;
    const write = { ...model.write, data: `event: ${type}\ndata: {}\n\n` };
    return withData({ ...model, kind: type, write }, { type, output_index: 0, item: REASONING });
  });
  return count(moved.toSpliced(at, 0, ...added));
}

function addReasoning(response: JsonObject): JsonObject {
  const { output } = response;
  return Array.isArray(output) && output.length > 0 ? { ...response, output: [REASONING, ...output] } : response;
}

/** The document does not require these. */
const OPTIONAL = [
  "background",
  "completed_at",
  "max_output_tokens",
  "max_tool_calls",
  "previous_response_id",
  "reasoning",
  "service_tier",
];

const RESPONSE_CHANGES: Readonly<Record<string, Change>> = {
  sentinel: inStreams((events) => {
    const [last] = events.slice(-1);
    return last === undefined ? events : [...events, { ...last, write: { data: "data: [DONE]\n\n", afterMs: 0 } }];
  }),
  obfuscation: eachEvent(DELTA, (data) => [{ ...data, obfuscation: "aX3kd" }]),
  "letters-one-by-one": eachEvent(DELTA, splitDelta),
  "text-in-one-delta": inStreams(joinDeltas),
  "reasoning-first": (reply) => eachResponse(addReasoning)(inStreams(reasonFirst)(reply)),
  "optional-fields-absent": eachResponse((response) =>
    Object.fromEntries(Object.entries(response).filter(([name, value]) => value !== null || !OPTIONAL.includes(name))),
  ),
  "more-nulls": eachResponse((response) => ({
    conversation: null,
    prompt: null,
    user: null,
    prompt_cache_retention: null,
    moderation: null,
    ...response,
  })),
  "tier-is-chosen-later": eachResponse((response) =>
    response["status"] === "in_progress" ? { ...response, service_tier: "auto" } : response,
  ),
  "fewer-details-of-usage": eachResponse(({ usage, ...response }) => ({
    ...response,
    usage: isJsonObject(usage) ? { ...usage, input_tokens_details: { cached_tokens: 0 } } : usage,
  })),
};

/** What api.openai.com adds to a chat that it has stored. */
const STORED_EXTRAS = {
  request_id: "req_variation",
  tool_choice: null,
  seed: null,
  tools: null,
  response_format: null,
  input_user: null,
};

function isStoredCall({ operation }: ReferenceCall): boolean {
  return /ChatCompletions?$|^getChatCompletionMessages$/.test(operation ?? "") && operation !== "createChatCompletion";
}

const STORED_CHANGES: Readonly<Record<string, Change>> = {
  "more-of-the-request": (reply) =>
    changeBody(reply, (body) => {
      if (!isJsonObject(body)) return body;
      const { data } = body;
      if (!Array.isArray(data)) return body["object"] === "chat.completion" ? { ...STORED_EXTRAS, ...body } : body;
      return { ...body, data: data.map((one: unknown) => (isJsonObject(one) ? { ...STORED_EXTRAS, ...one } : one)) };
    }),
};

/** What changes the events of a stream. One in the background is streamed again by the numbers that they had. */
const OF_EVENTS: readonly string[] = ["letters-one-by-one", "text-in-one-delta", "reasoning-first"];
/** All that answer the same response. */
const RESPONSE_OPERATIONS: readonly ReferenceCall["operation"][] = ["createResponse", "getResponse", "cancelResponse"];

export const RESPONSE_VARIATIONS: readonly Variation[] = [
  ...Object.entries(RESPONSE_CHANGES).map(([id, change]) =>
    defineVariation(`responses.${id}`, OF_EVENTS.includes(id) ? exceptInBackground(change) : change, ({ operation }) =>
      RESPONSE_OPERATIONS.includes(operation),
    ),
  ),
  ...Object.entries(STORED_CHANGES).map(([id, change]) => defineVariation(`stored-chats.${id}`, change, isStoredCall)),
];

function exceptInBackground(change: Change): Change {
  return (reply) => {
    const isInBackground =
      modeOfReply(reply) === "stream"
        ? readEvents(reply).some(({ data }) => isObjectInBackground(data?.["response"]))
        : isObjectInBackground(readBody(reply));
    return isInBackground ? reply : change(reply);
  };
}

function isObjectInBackground(response: unknown): boolean {
  return isJsonObject(response) && response["background"] === true;
}

function defineVariation(id: string, change: Change, isOf: (call: ReferenceCall) => boolean): Variation {
  return {
    id: `legal.${id}`,
    description: id.replaceAll("-", " "),
    mutate: () => ({
      reply: (reply, call) => (isOf(call) && modeOfReply(reply) !== "refusal" ? change(reply) : reply),
    }),
  };
}
