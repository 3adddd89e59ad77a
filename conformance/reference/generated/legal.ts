/**
 * Generated variations of the reference's wire that are legal: what servers do, and every client takes. No check may
 * object to one.
 */

import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { ReferenceCall, Reply, Write } from "../call.ts";
import { oneWrite, omit, readReply, withHeader } from "../mutants/mutant.ts";
import { changeBody, changeEvents, readBody, withData, withText, type WrittenEvent } from "./edit-reply.ts";
import { modeOfReply, type Variation } from "./fault.ts";
import { AUDIO_VARIATIONS } from "./legal-audio.ts";
import { RESPONSE_VARIATIONS } from "./legal-responses.ts";
import { REALTIME_VARIATIONS } from "./realtime/legal.ts";

/**
 * Objections that stand: what the protocol's layers allow, and a client that the check names can't read. None of them
 * keeps a check of another rule from judging. What the document itself forbids is no variation and not listed.
 */
export const STANDING_OBJECTIONS: Readonly<Record<string, readonly string[]>> = {
  // A should: opencodex and other hand-written parsers look for `data: ` and drop the event. No SDK does.
  "legal.no-space-after-colon": ["sse.space-after-data"],
  // openai-python raises JSONDecodeError at the keep-alive that follows an id, and at a bare retry (openai-python#2722).
  "legal.ids-of-events": ["sse.no-id-or-retry"],
  "legal.retry-field": ["sse.no-id-or-retry", "sse.no-empty-event"],
  // A may: openai-go dispatches at every blank line, also at that of a comment.
  "legal.comments": ["sse.no-comment-event"],
  "legal.keep-alives": ["sse.no-comment-event"],
  // Clients that map names to codes, as the Vercel AI SDK does, know no codes.
  "legal.audio.language-as-code": [
    "audio.transcriptions.verbose-json.language",
    "audio.translations.verbose-json.language",
  ],
  // A should: clients that join the strings of deltas show "assistantassistant" (ollama#17166).
  "legal.role-in-each-delta": ["chat.stream.role-once"],
};

type Change = (reply: Reply, call: ReferenceCall) => Reply;

const write = (data: string | Uint8Array, afterMs = 0): Write => ({ data, afterMs });

function eachWrite(change: (text: string) => string): Change {
  return (reply) => ({
    ...reply,
    writes: reply.writes.map(({ data, afterMs }) => ({ data: change(String(data)), afterMs })),
  });
}

const inStreams =
  (change: Change): Change =>
  (reply, call) =>
    modeOfReply(reply) === "stream" ? change(reply, call) : reply;
const inJson =
  (change: Change): Change =>
  (reply, call) =>
    readBody(reply) === undefined ? reply : change(reply, call);

/** The JSON of every answer, event and refusal. */
function eachJson(change: (data: JsonObject) => unknown): Change {
  const changeData = (data: unknown): unknown => (isJsonObject(data) ? change(data) : data);
  return (reply) =>
    modeOfReply(reply) === "stream"
      ? changeEvents(reply, (events) => events.map((event) => withData(event, changeData(event.data))))
      : changeBody(reply, changeData);
}

/** The text of every JSON. */
function eachJsonText(change: (value: unknown) => string): Change {
  return (reply) => {
    if (modeOfReply(reply) === "stream") {
      return changeEvents(reply, (events) =>
        events.map((event) => {
          return event.data === null ? event : withText(event, change(event.data));
        }),
      );
    }
    const body = readBody(reply);
    return body === undefined ? reply : { ...reply, writes: oneWrite(change(body)) };
  };
}

/** Every object in a value that is not a caller's own, from the inside. */
function deeply(value: unknown, change: (object: JsonObject) => JsonObject): unknown {
  if (Array.isArray(value)) return value.map((element) => deeply(element, change));
  if (!isJsonObject(value)) return value;
  // The keys of these are tokens or a caller's own.
  const isMap = Object.keys(value).some((name) => !/^[a-z][a-z_0-9]*$/i.test(name));
  const inner = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, isOwn(name, member) ? member : deeply(member, change)]),
  );
  return isMap ? inner : change(inner);
}

/** What a caller has named, which comes back as it was sent, and lists of maps from tokens to numbers. */
function isOwn(name: string, member: unknown): boolean {
  if (name === "metadata") return true;
  if (name !== "top_logprobs" || !Array.isArray(member)) return false;
  return !member.some((entry) => isJsonObject(entry) && "logprob" in entry);
}

function changeChoices(data: JsonObject, change: (choice: JsonObject) => JsonObject): JsonObject {
  const { choices } = data;
  if (!Array.isArray(choices)) return data;
  return { ...data, choices: choices.map((choice: unknown) => (isJsonObject(choice) ? change(choice) : choice)) };
}

function changeDeltas(data: JsonObject, change: (delta: JsonObject, choice: JsonObject) => JsonObject): JsonObject {
  return changeChoices(data, (choice) =>
    isJsonObject(choice["delta"]) ? { ...choice, delta: change(choice["delta"], choice) } : choice,
  );
}

function inPieces(reply: Reply, length: number): Reply {
  const bytes = Buffer.concat(reply.writes.map(({ data }) => Buffer.from(data)));
  const waits = reply.writes.reduce((sum, { afterMs }) => sum + afterMs, 0);
  const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
  return {
    ...reply,
    writes: pieces.map((piece, index) => write(piece, index % 50 === 10 ? waits / (pieces.length / 50 + 1) : 0)),
  };
}

/** Some events of a kind, with all that is between them. */
function changeTexts(reply: Reply, change: (event: WrittenEvent) => readonly WrittenEvent[]): Reply {
  return changeEvents(reply, (events) => events.flatMap((event) => (event.kind === "text" ? change(event) : [event])));
}

function splitText(event: WrittenEvent): readonly WrittenEvent[] {
  const { data } = event;
  const [choice]: readonly unknown[] = Array.isArray(data?.["choices"]) ? data["choices"] : [];
  if (data === null || !isJsonObject(choice) || (choice["logprobs"] ?? null) !== null) return [event];
  const { delta, text } = choice;
  const whole = typeof text === "string" ? text : isJsonObject(delta) ? delta["content"] : undefined;
  if (typeof whole !== "string") return [event];
  return Array.from(whole, (letter) =>
    withData(event, {
      ...data,
      choices: [typeof text === "string" ? { ...choice, text: letter } : { ...choice, delta: { content: letter } }],
    }),
  );
}

/** The finish reason comes with the last text instead of after it. */
function finishWithText(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  return events.flatMap((event, index) => {
    const next = events[index + 1];
    if (event.kind === "finish" && events[index - 1]?.kind === "text") return [];
    if (event.kind !== "text" || next?.kind !== "finish" || event.data === null || next.data === null) return [event];
    const [last] = readChoices(next.data);
    return [
      withData(
        event,
        changeChoices(event.data, (choice) => ({ ...choice, finish_reason: last?.["finish_reason"] })),
      ),
    ];
  });
}

function readChoices({ choices }: JsonObject): readonly JsonObject[] {
  return Array.isArray(choices) ? choices.filter(isJsonObject) : [];
}

/** Tool arguments as another encoder writes them: the same value. */
function spaceArguments(data: JsonObject): JsonObject {
  return changeChoices(data, (choice) => {
    const { message } = choice;
    if (!isJsonObject(message) || !Array.isArray(message["tool_calls"])) return choice;
    const calls = message["tool_calls"].map((call: unknown) => {
      if (!isJsonObject(call) || !isJsonObject(call["function"])) return call;
      const text = call["function"]["arguments"];
      const value = typeof text === "string" ? parse(text) : undefined;
      return value === undefined
        ? call
        : { ...call, function: { ...call["function"], arguments: JSON.stringify(value, null, 1) } };
    });
    return { ...choice, message: { ...message, tool_calls: calls } };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An id of a shape of its own, the same in all events of a stream; a chat that is stored keeps the one that finds it. */
const renameId: Change = (reply, call) => {
  if (isKept(call)) return reply;
  const id = randomUUID();
  return eachJson((data) => (typeof data["id"] === "string" && "choices" in data ? { ...data, id } : data))(
    reply,
    call,
  );
};

/** Whether what is answered is asked for again. */
function isKept({ operation, body }: ReferenceCall): boolean {
  if (operation !== "createChatCompletion") return operation !== "createCompletion";
  const asked = body === null ? undefined : parse(Buffer.from(body).toString());
  return isJsonObject(asked) && asked["store"] === true;
}

const withHeaders =
  (added: Readonly<Record<string, string>>): Change =>
  (reply) => ({ ...reply, headers: { ...reply.headers, ...added } });

const ALL: Readonly<Record<string, Change>> = {
  "unknown-fields": eachJson((data) => deeply(data, (object) => ({ ...object, x_extension: { note: "more" } }))),
  "unknown-field-null": eachJson((data) => ({ ...data, x_extension: null })),
  "key-order": eachJson((data) => deeply(data, (object) => Object.fromEntries(Object.entries(object).toReversed()))),
  whitespace: inJson(eachJsonText((value) => JSON.stringify(value, null, 2))),
  "spaces-in-events": inStreams(eachJsonText((value) => JSON.stringify(value, null, 1).replaceAll(/\n */g, " "))),
  "escaped-unicode": eachJsonText((value) =>
    JSON.stringify(value).replaceAll(
      /[\u0080-\uFFFF]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  ),
  "escaped-slashes": eachJsonText((value) => JSON.stringify(value).replaceAll("/", "\\/")),
  "blank-around-json": inJson((reply) => ({ ...reply, writes: oneWrite(`\r\n ${readReply(reply)} \n`) })),
  "more-headers": withHeaders({
    server: "a proxy",
    via: "1.1 proxy",
    "set-cookie": "a=1; Path=/",
    "strict-transport-security": "max-age=31536000",
    "openai-version": "2020-10-01",
    "openai-processing-ms": "12",
    "x-envoy-upstream-service-time": "11",
    "alt-svc": 'h3=":443"; ma=86400',
  }),
  "header-case": (reply) => ({
    ...reply,
    headers: Object.fromEntries(
      Object.entries(reply.headers).map(([name, value]) => [
        name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase()),
        value,
      ]),
    ),
  }),
  "other-request-ids": (reply) => withHeader1(reply, "x-request-id", randomUUID().replaceAll("-", "")),
  "charset-of-json": inJson((reply) => withHeader1(reply, "content-type", "application/json; charset=utf-8")),
  "no-charset-of-events": inStreams((reply) => withHeader1(reply, "content-type", "text/event-stream")),
  "not-cached": withHeaders({ "cache-control": "no-store, no-cache", pragma: "no-cache" }),
  "closes-each-connection": withHeaders({ connection: "close" }),
  "content-length": inJson((reply) =>
    withHeader1(reply, "content-length", String(Buffer.byteLength(readReply(reply)))),
  ),
  "chunked-json": inJson((reply) => inPieces(reply, 40)),
  "chunked-events": inStreams((reply) => inPieces(reply, 29)),
  "events-in-pairs": inStreams((reply) => ({ ...reply, writes: pairUp(reply.writes) })),
  compressed: inJson((reply, call) =>
    call.headers["accept-encoding"]?.includes("gzip") === true
      ? { ...withHeader1(reply, "content-encoding", "gzip"), writes: oneWrite(gzipSync(readReply(reply))) }
      : reply,
  ),
  later: (reply) => ({
    ...reply,
    writes: reply.writes.map((one, index) => (index === 0 ? { ...one, afterMs: 25 } : one)),
  }),
  comments: inStreams((reply) => ({
    ...reply,
    writes: [write(": hello\n\n"), ...reply.writes.flatMap((one) => [one, write(":\n\n")])],
  })),
  "keep-alives": inStreams((reply) => ({
    ...reply,
    writes: reply.writes.flatMap((one, index) => (index % 5 === 0 ? [write(": keep-alive\n\n", 2), one] : [one])),
  })),
  "comment-in-event": inStreams(eachWrite((frame) => `: more\n${frame}`)),
  "no-space-after-colon": inStreams(eachWrite((frame) => frame.replace(/^data: /m, "data:"))),
  crlf: inStreams(eachWrite((frame) => frame.replaceAll("\n", "\r\n"))),
  "ids-of-events": inStreams((reply) => ({
    ...reply,
    writes: reply.writes.map(({ data, afterMs }, index) => write(`id: ${index}\n${String(data)}`, afterMs)),
  })),
  "retry-field": inStreams((reply) => ({ ...reply, writes: [write("retry: 3000\n\n"), ...reply.writes] })),
  "more-blank-lines": inStreams(eachWrite((frame) => `${frame}\n`)),
  "other-ids": renameId,
  fingerprint: eachJson((data) =>
    "choices" in data ? { ...data, system_fingerprint: "fp_44709d6fcb", service_tier: "default" } : data,
  ),
  "fingerprint-null": eachJson((data) =>
    "choices" in data ? { ...data, system_fingerprint: null, service_tier: null } : data,
  ),
  "usage-details": eachJson((data) =>
    isJsonObject(data["usage"]) && "choices" in data
      ? {
          ...data,
          usage: {
            ...data["usage"],
            prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
            completion_tokens_details: {
              reasoning_tokens: 0,
              audio_tokens: 0,
              accepted_prediction_tokens: 0,
              rejected_prediction_tokens: 0,
            },
          },
        }
      : data,
  ),
  "usage-details-null": eachJson((data) =>
    isJsonObject(data["usage"]) && "choices" in data
      ? { ...data, usage: { ...data["usage"], prompt_tokens_details: null, completion_tokens_details: null } }
      : data,
  ),
  annotations: eachJson((data) =>
    changeChoices(data, (choice) =>
      isJsonObject(choice["message"]) ? { ...choice, message: { ...choice["message"], annotations: [] } } : choice,
    ),
  ),
  "audio-and-function-call-null": eachJson((data) =>
    changeChoices(data, (choice) =>
      isJsonObject(choice["message"])
        ? { ...choice, message: { audio: null, function_call: null, ...choice["message"] } }
        : choice,
    ),
  ),
  "tool-calls-null": eachJson((data) =>
    changeChoices(data, (choice) =>
      isJsonObject(choice["message"]) ? { ...choice, message: { tool_calls: null, ...choice["message"] } } : choice,
    ),
  ),
  // The document requires the key of an answer, and not of a chunk.
  "logprobs-absent": inStreams(
    eachJson((data) =>
      changeChoices(data, (choice) =>
        "delta" in choice && choice["logprobs"] === null ? omit({ ...choice }, "logprobs") : choice,
      ),
    ),
  ),
  "refusal-absent": eachJson((data) =>
    changeChoices(data, (choice) => {
      const { delta } = choice;
      return isJsonObject(delta) ? { ...choice, delta: omit({ ...delta }, "refusal") } : choice;
    }),
  ),
  "nulls-in-deltas": inStreams(
    eachJson((data) =>
      changeDeltas(data, (delta) => ({
        content: null,
        refusal: null,
        tool_calls: null,
        function_call: null,
        reasoning_content: null,
        ...delta,
      })),
    ),
  ),
  "role-in-each-delta": inStreams(eachJson((data) => changeDeltas(data, (delta) => ({ role: "assistant", ...delta })))),
  "empty-text-at-the-end": inStreams(
    eachJson((data) =>
      changeDeltas(data, (delta, choice) => (choice["finish_reason"] === null ? delta : { content: "", ...delta })),
    ),
  ),
  "null-at-the-start": inStreams(
    eachJson((data) => changeDeltas(data, (delta) => ("role" in delta ? { ...delta, content: null } : delta))),
  ),
  "no-text-at-the-start": inStreams(
    eachJson((data) => changeDeltas(data, (delta) => ("role" in delta ? { role: "assistant" } : delta))),
  ),
  "letters-one-by-one": inStreams((reply) => changeTexts(reply, splitText)),
  "empty-deltas-between": inStreams((reply) =>
    changeTexts(reply, (event) => [event, withData(event, emptyDelta(event.data))]),
  ),
  "finish-with-the-last-text": inStreams((reply) => changeEvents(reply, finishWithText)),
  "no-null-usage": inStreams(eachJson((data) => (data["usage"] === null ? omit({ ...data }, "usage") : data))),
  "spaced-arguments": eachJson(spaceArguments),
  "arguments-at-once": inStreams((reply) => changeEvents(reply, joinArguments)),
  "dated-model": eachJson(dateModels),
  "retry-after-date": (reply) =>
    reply.headers["retry-after"] === undefined
      ? reply
      : {
          ...reply,
          headers: {
            ...omit(reply.headers, "retry-after-ms"),
            "retry-after": new Date(
              Math.ceil(Date.now() / 1000 + Number(reply.headers["retry-after"])) * 1000,
            ).toUTCString(),
          },
        },
  "retry-after-seconds-alone": (reply) => ({ ...reply, headers: omit(reply.headers, "retry-after-ms") }),
  "error-of-openai": eachJson((data) => {
    const { error } = data;
    const isKey = isJsonObject(error) && error["type"] === "authentication_error";
    return isKey ? { error: { ...error, type: "invalid_request_error" } } : data;
  }),
  "more-in-errors": eachJson((data) =>
    isJsonObject(data["error"])
      ? { ...data, request_id: "req_1", error: { ...data["error"], details: [], status: 400 } }
      : data,
  ),
  "error-without-code-key": eachJson((data) => {
    const { error } = data;
    return isJsonObject(error) && error["code"] === null ? { ...data, error: omit({ ...error }, "code") } : data;
  }),
  "longer-messages": eachJson((data) =>
    isJsonObject(data["error"])
      ? {
          ...data,
          error: {
            ...data["error"],
            message: `${String(data["error"]["message"])} (See "Errors" in the documentation; request 4711.)`,
          },
        }
      : data,
  ),
  "bearer-with-realm": (reply) =>
    reply.headers["www-authenticate"] === undefined
      ? reply
      : withHeader1(reply, "www-authenticate", 'Bearer realm="api", error="invalid_token"'),
};

function withHeader1(reply: Reply, name: string, value: string): Reply {
  return { ...reply, ...withHeader(reply, name, value) };
}

function pairUp(writes: readonly Write[]): readonly Write[] {
  return writes.flatMap((one, index) => {
    const next = writes[index + 1];
    if (index % 2 === 1) return [];
    return [
      write(String(one.data) + (next === undefined ? "" : String(next.data)), one.afterMs + (next?.afterMs ?? 0)),
    ];
  });
}

/** That of a chat, and of each in a list of those that are stored. */
function dateModels(data: JsonObject): JsonObject {
  const { data: rows } = data;
  const date = (one: JsonObject): JsonObject =>
    "choices" in one ? { ...one, model: `${String(one["model"])}-2026-11-30` } : one;
  return Array.isArray(rows)
    ? { ...data, data: rows.map((row: unknown) => (isJsonObject(row) ? date(row) : row)) }
    : date(data);
}

function emptyDelta(data: JsonObject | null): unknown {
  if (data === null) return data;
  return changeChoices(data, (choice) =>
    isJsonObject(choice["delta"]) ? { ...choice, logprobs: null, delta: {} } : { ...choice, logprobs: null, text: "" },
  );
}

/** All of a call's arguments in one event, which is that of its beginning where there is one. */
function joinArguments(events: readonly WrittenEvent[]): readonly WrittenEvent[] {
  const joined: WrittenEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (event.kind === "arguments" && event.data !== null && last?.kind === "arguments" && last.data !== null) {
      const merged = mergeArguments(last.data, event.data);
      if (merged !== null) {
        joined.splice(-1, 1, withData(last, merged));
        continue;
      }
    }
    joined.push(event);
  }
  return joined;
}

function mergeArguments(one: JsonObject, other: JsonObject): JsonObject | null {
  const [before, after] = [readCall(one), readCall(other)];
  if (before === null || after === null || before["index"] !== after["index"]) return null;
  const texts = [before, after].map(({ function: called }) => (isJsonObject(called) ? called["arguments"] : undefined));
  if (!texts.every((text) => typeof text === "string")) return null;
  const call = { ...before, function: { arguments: texts.join("") } };
  return changeDeltas(one, (delta) => ({ ...delta, tool_calls: [call] }));
}

function readCall(data: JsonObject): JsonObject | null {
  const { delta } = readChoices(data)[0] ?? {};
  const calls = isJsonObject(delta) && Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [];
  const [call]: readonly unknown[] = calls;
  return isJsonObject(call) ? call : null;
}

const COMMON_VARIATIONS: readonly Variation[] = Object.entries(ALL).map(([id, change]) => ({
  id: `legal.${id}`,
  description: id.replaceAll("-", " "),
  mutate: () => ({ reply: (reply, call) => change(reply, call) }),
}));

export const VARIATIONS: readonly Variation[] = [
  ...COMMON_VARIATIONS,
  ...AUDIO_VARIATIONS,
  ...RESPONSE_VARIATIONS,
  ...REALTIME_VARIATIONS,
];
