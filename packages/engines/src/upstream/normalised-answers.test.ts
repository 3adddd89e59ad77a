/**
 * What an upstream's answer is normalised to, row by row as in docs/relayed-answers.md: each row streamed, streamed
 * byte by byte, and not streamed.
 */

import { gzipSync } from "node:zlib";
import type { UpstreamRequest } from "@openai-compat/core";
import { describe, expect, test } from "vitest";
import { collectAnswer, OUR_MODEL, rejection, UPSTREAM_MODEL } from "./testing/upstream-calls.ts";
import { streamBytes } from "./testing/stream-bytes.ts";

type Json = Readonly<Record<string, unknown>>;

const BASE = { id: "c", object: "chat.completion.chunk", created: 7, model: UPSTREAM_MODEL };
const OURS = { ...BASE, model: OUR_MODEL };
const WHOLE = { ...BASE, object: "chat.completion" };
const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
const SSE = { "content-type": "text/event-stream" };
const JSON_TYPE = { "content-type": "application/json" };

const say = (delta: Json, reason: string | null = null): Json => ({
  ...BASE,
  choices: [{ index: 0, delta, finish_reason: reason }],
});
const ours = (chunk: Json): Json => ({ ...chunk, model: OUR_MODEL });
const ROLE = say({ role: "assistant", content: "" });
const HI = say({ content: "Hi" });
const STOP = say({}, "stop");
const REPORT: Json = { ...BASE, choices: [], usage: USAGE };
const GOOD = [ROLE, HI, STOP];

const frame = (data: unknown) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const stream = (...chunks: readonly unknown[]) => chunks.map(frame).join("");
const done = (...chunks: readonly unknown[]) => stream(...chunks, "[DONE]");

const both = [false, true] as const;

/** @returns the data of all events, parsed; the last one has to be `[DONE]` */
async function streamed(
  body: string | Uint8Array,
  isCut: boolean,
  request: Partial<UpstreamRequest> = {},
  headers: Json = SSE,
) {
  const answer = {
    body,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
  };
  const { text } = await collectAnswer(streamBytes(answer, { isCut, request: { stream: true, ...request } }));
  const frames = text.split("\n\n");
  expect(frames.slice(-2)).toEqual(["data: [DONE]", ""]);
  return frames.slice(0, -2).map((event): unknown => JSON.parse(event.slice("data: ".length)));
}

async function whole(
  answer: unknown,
  request: Partial<UpstreamRequest> = {},
  headers: Record<string, string> = JSON_TYPE,
) {
  const body = typeof answer === "string" ? answer : JSON.stringify(answer);
  const { text } = await collectAnswer(streamBytes({ body, headers }, { request }));
  const value: unknown = JSON.parse(text);
  return value;
}

interface StreamRow {
  readonly chunks: readonly Json[];
  readonly sent: readonly Json[];
  readonly request?: Partial<UpstreamRequest>;
}

const STREAM_ROWS: Readonly<Record<string, StreamRow>> = {
  "nothing to repair": { chunks: GOOD, sent: GOOD.map(ours) },
  "ids that change": {
    chunks: [ROLE, { ...HI, id: "d" }, { ...STOP, id: "" }],
    sent: GOOD.map(ours),
  },
  "another object": { chunks: GOOD.map((chunk) => ({ ...chunk, object: "" })), sent: GOOD.map(ours) },
  "created in milliseconds, then another": {
    chunks: [
      { ...ROLE, created: 1_700_000_000_123 },
      { ...HI, created: "1700000009" },
      { ...STOP, created: null },
    ],
    sent: GOOD.map((chunk) => ({ ...ours(chunk), created: 1_700_000_000 })),
  },
  "no role": { chunks: [HI, STOP], sent: [say({ role: "assistant", content: "Hi" }), STOP].map(ours) },
  "a role in each chunk": {
    chunks: [ROLE, say({ role: "assistant", content: "Hi" }), STOP],
    sent: GOOD.map(ours),
  },
  "an empty role": { chunks: [say({ role: "", content: "" }), HI, STOP], sent: GOOD.map(ours) },
  "no index": {
    chunks: GOOD.map((chunk) => withoutIndex(chunk)),
    sent: GOOD.map(ours),
  },
  "tokens counted in the place of the index": {
    chunks: GOOD.map((chunk, count) => withIndex(chunk, 197 + count)),
    sent: GOOD.map(ours),
  },
  "answers that nobody asked for": {
    chunks: [ROLE, withIndex(ROLE, 1), HI, withIndex(HI, 1), STOP, withIndex(STOP, 1)],
    sent: GOOD.map(ours),
  },
  "content in parts": {
    chunks: [
      ROLE,
      say({
        content: [
          { type: "thinking", thinking: "hm" },
          { type: "text", text: "Hi" },
        ],
      }),
      STOP,
    ],
    sent: GOOD.map(ours),
  },
  "no finish reason in the middle": {
    chunks: [withoutReason(ROLE), withoutReason(HI), STOP],
    sent: GOOD.map(ours),
  },
  "an empty finish reason": {
    chunks: [say({ role: "assistant", content: "" }, ""), say({ content: "Hi" }, ""), STOP],
    sent: GOOD.map(ours),
  },
  "a finish reason of another API": { chunks: [ROLE, HI, say({}, "end_turn")], sent: GOOD.map(ours) },
  "a limit by another name": {
    chunks: [ROLE, HI, say({}, "MAX_TOKENS")],
    sent: [ROLE, HI, say({}, "length")].map(ours),
  },
  "an unknown finish reason": { chunks: [ROLE, HI, say({}, "eos_token")], sent: GOOD.map(ours) },
  "two finish reasons": { chunks: [...GOOD, STOP], sent: GOOD.map(ours) },
  "text behind the finish reason": { chunks: [ROLE, STOP, HI], sent: GOOD.map(ours) },
  "text behind a finish reason with the role": {
    chunks: [say({ role: "assistant", content: "" }, "stop"), HI],
    sent: [ROLE, HI, endWith("stop")].map(ours),
  },
  "a finish reason in each chunk": {
    chunks: [
      say({ role: "assistant", content: "" }, "stop"),
      ...["Hi", " you", " two"].map((content) => say({ content }, "stop")),
      say({ content: "!" }, "length"),
      say({ content: "" }, "stop"),
    ],
    sent: [ROLE, ...["Hi", " you", " two", "!"].map((content) => say({ content })), endWith("length")].map(ours),
  },
  "a call behind the finish reason": {
    chunks: [ROLE, STOP, say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] })],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "text and the finish reason in one chunk": {
    chunks: [ROLE, say({ content: "Hi" }, "stop")],
    sent: [ROLE, HI, endWith("stop")].map(ours),
  },
  "a chunk without choices behind the finish reason, then text": {
    chunks: [ROLE, STOP, {}, HI],
    sent: GOOD.map(ours),
  },
  "an empty text beside each delta": { chunks: GOOD.map((chunk) => withText(chunk, "")), sent: GOOD.map(ours) },
  "text in the place of content": {
    chunks: [ROLE, withText(say({}), "Hi"), STOP],
    sent: GOOD.map(ours),
  },
  "text beside content": { chunks: [ROLE, withText(HI, "Hi"), STOP], sent: GOOD.map(ours) },
  "text without a delta": {
    chunks: [{ ...BASE, choices: [{ index: 0, text: "Hi" }] }, STOP],
    sent: [say({ role: "assistant", content: "Hi" }), STOP].map(ours),
  },
  "calls that end with stop": {
    chunks: [ROLE, say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }), STOP],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "tool_calls without a call": { chunks: [ROLE, HI, say({}, "tool_calls")], sent: GOOD.map(ours) },
  "calls that repeat what is said once": {
    chunks: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{")] }),
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "}")] }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{")] }),
      say({ tool_calls: [{ index: 0, function: { arguments: "}" } }] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "parallel calls of one index": {
    chunks: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({ tool_calls: [call({ index: 0, id: "b", type: "function" }, "f", "[]")] }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({ tool_calls: [call({ index: 1, id: "b", type: "function" }, "f", "[]")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "calls without index and type, their arguments an object": {
    chunks: [ROLE, say({ tool_calls: [call({ id: "a" }, "f", { x: 1 }), call({ id: "b" }, "g", null)] }), STOP],
    sent: [
      ROLE,
      say({
        tool_calls: [
          call({ index: 0, id: "a", type: "function" }, "f", '{"x":1}'),
          call({ index: 1, id: "b", type: "function" }, "g", ""),
        ],
      }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "two pieces of one call in a chunk": {
    chunks: [
      ROLE,
      say({
        tool_calls: [
          call({ index: 3, id: "a", type: "function" }, "f", "{"),
          { index: 3, function: { arguments: "}" } },
        ],
      }),
      say({}, "tool_calls"),
    ],
    sent: [
      ROLE,
      say({ tool_calls: [call({ index: 0, id: "a", type: "function" }, "f", "{}")] }),
      say({}, "tool_calls"),
    ].map(ours),
  },
  "a function call of the old kind": {
    chunks: [ROLE, say({ function_call: { name: "f", arguments: "{}" } }), say({}, "function_call")],
    sent: [ROLE, say({ function_call: { name: "f", arguments: "{}" } }), say({}, "function_call")].map(ours),
  },
  "chunks without choices": {
    chunks: [{ ...BASE, choices: [] }, ROLE, {}, { type: "ping" }, HI, { ...BASE, choices: null }, { ...BASE }, STOP],
    sent: GOOD.map(ours),
  },
  "usage that was not requested": {
    chunks: [{ ...ROLE, usage: null }, { ...HI, usage: USAGE }, { ...STOP, usage: USAGE }, REPORT],
    sent: GOOD.map(ours),
  },
  "usage in a chunk of its own": {
    request: { includeUsage: true },
    chunks: [...GOOD, REPORT],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "usage on the last choice's chunk": {
    request: { includeUsage: true },
    chunks: [ROLE, HI, { ...STOP, usage: USAGE }],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "usage on each chunk": {
    request: { includeUsage: true },
    chunks: [...GOOD.map((chunk) => ({ ...chunk, usage: USAGE })), REPORT],
    sent: [...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })), ours(REPORT)],
  },
  "no usage": {
    request: { includeUsage: true },
    chunks: GOOD,
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...OURS, choices: [], usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 } },
    ],
  },
  "a wrong total": {
    request: { includeUsage: true },
    chunks: [...GOOD, { ...REPORT, usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 1, more: 1 } }],
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...ours(REPORT), usage: { ...USAGE, more: 1 } },
    ],
  },
  "reasoning in the total alone": {
    request: { includeUsage: true },
    chunks: [...GOOD, { ...REPORT, usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 99 } }],
    sent: [
      ...GOOD.map((chunk) => ({ ...ours(chunk), usage: null })),
      { ...ours(REPORT), usage: { prompt_tokens: 7, completion_tokens: 92, total_tokens: 99 } },
    ],
  },
};

/** What ends a choice whose last chunk says more than that. */
function endWith(reason: string): Json {
  return { ...BASE, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: reason }] };
}

function withText(chunk: Json, text: string): Json {
  return { ...chunk, choices: listChoices(chunk).map((choice) => ({ ...choice, text })) };
}

function withIndex(chunk: Json, index: number): Json {
  const [choice] = listChoices(chunk);
  return { ...chunk, choices: [{ ...choice, index }] };
}

function withoutIndex(chunk: Json): Json {
  return { ...chunk, choices: listChoices(chunk).map(({ index: _index, ...choice }) => choice) };
}

function withoutReason(chunk: Json): Json {
  return { ...chunk, choices: listChoices(chunk).map(({ finish_reason: _reason, ...choice }) => choice) };
}

function listChoices({ choices }: Json): readonly Json[] {
  return Array.isArray(choices) ? choices : [];
}

function call(fields: Json, name: string, args: unknown): Json {
  return { ...fields, function: { name, arguments: args } };
}

describe.each(both)("a stream (cut into bytes: %s)", (isCut) => {
  test.each(Object.entries(STREAM_ROWS))(
    "with %s is sent as OpenAI sends it",
    async (_name, { chunks, sent, request }) => {
      expect(await streamed(done(...chunks), isCut, request)).toEqual(sent);
    },
  );

  test("without its [DONE] gets one, and nothing comes after", async () => {
    expect(await streamed(stream(...GOOD), isCut)).toEqual(GOOD.map(ours));
    expect(await streamed(done(...GOOD) + stream(HI), isCut)).toEqual(GOOD.map(ours));
  });

  test("that is done without a finish reason gets one", async () => {
    expect(await streamed(done(ROLE, HI), isCut)).toEqual(
      [ROLE, HI, { ...BASE, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }] }].map(ours),
    );
  });

  test.each([
    ["ends without a finish reason", stream(ROLE, HI)],
    ["is empty", ""],
    ["holds nothing but its end", done()],
    ["says that it failed", done(ROLE, HI, say({}, "error"))],
  ])("that %s is an error", async (_how, body) => {
    await expect(streamed(body, isCut)).rejects.toMatchObject({ code: "upstream_failed" });
  });

  test("of fewer answers than were requested is an error that names the parameter", async () => {
    const request = { body: { kind: "json", value: { n: 2 } } } as const;
    await expect(streamed(done(...GOOD), isCut, request)).rejects.toMatchObject({
      code: "unsupported_parameter",
      param: "n",
    });
  });

  test("in another framing is the same", async () => {
    const framed = `\uFEFF: hello\r\n\r\nevent: ping\r\ndata: {}\r\n\r\n${GOOD.map(
      (chunk, count) =>
        `id: ${count}\r\nevent: chunk\r\nretry: 9\r\ndata:${JSON.stringify(chunk)}\r\n\r\n: ping\r\n\r\n`,
    ).join("")}data: [DONE] \r\n\r\n`;
    expect(await streamed(framed, isCut)).toEqual(GOOD.map(ours));
  });

  test("in another charset or none is the same", async () => {
    const sea = say({ content: "Grüße, 海" });
    expect(await streamed(done(ROLE, sea, STOP), isCut, {}, {})).toEqual([ROLE, sea, STOP].map(ours));
    const utf16 = Buffer.from(done(ROLE, sea, STOP), "utf16le");
    const type = { "content-type": "text/event-stream; charset=UTF-16LE" };
    expect(await streamed(utf16, isCut, {}, type)).toEqual([ROLE, sea, STOP].map(ours));
    const latin = Buffer.from(done(ROLE, say({ content: "Grüße" }), STOP), "latin1");
    const latinType = { "content-type": "text/event-stream; charset=ISO-8859-1" };
    expect(await streamed(latin, isCut, {}, latinType)).toEqual([ROLE, say({ content: "Grüße" }), STOP].map(ours));
  });

  test("that is sent as JSON or HTML, by its head, is the same", async () => {
    for (const type of ["application/json", "text/plain", "application/octet-stream"]) {
      expect(await streamed(done(...GOOD), isCut, {}, { "content-type": type })).toEqual(GOOD.map(ours));
    }
  });

  test("in whose place an answer in one piece comes is made of it", async () => {
    const message = { role: "assistant", content: "Hi", tool_calls: [call({ id: "a" }, "f", {})] };
    const answer = { ...WHOLE, choices: [{ index: 0, message, finish_reason: "stop" }], usage: USAGE };
    const tools = [call({ index: 0, id: "a", type: "function" }, "f", "{}")];
    expect(await streamed(JSON.stringify(answer), isCut, { includeUsage: true }, JSON_TYPE)).toEqual([
      { ...ours(say({ role: "assistant", content: "Hi", tool_calls: tools })), usage: null },
      { ...ours(endWith("tool_calls")), usage: null },
      ours(REPORT),
    ]);
  });

  test.each([
    ["an envelope", { error: { message: "too hot", type: "invalid_request_error", code: "invalid_value" } }],
    ["a text", { error: "too hot", status: 400 }],
    ["an envelope in an event", { type: "error", error: { message: "too hot", code: 400 } }],
    ["an object that is flat", { object: "error", message: "too hot", code: 400 }],
    ["a message", { message: "too hot", code: 400 }],
    ["FastAPI's detail", { detail: "too hot", status: 400 }],
    ["a list", [{ error: { message: "too hot", code: 400 } }]],
  ])("in whose place %s comes fails with that error", async (_what, error) => {
    for (const body of [stream(error), `event: error\n${stream(error)}`, JSON.stringify(error)]) {
      if (Array.isArray(error) && body.startsWith("data:")) continue;
      const thrown = await rejection(streamed(body, isCut));
      expect(thrown).toMatchObject({ message: "too hot" });
    }
  });

  test("that ends with words of an error is an error", async () => {
    await expect(streamed(`${stream(ROLE, HI)}event: error\ndata: out of memory\n\n`, isCut)).rejects.toMatchObject({
      code: "upstream_failed",
    });
  });

  test("that is compressed is read as it comes", async () => {
    const headers = { ...SSE, "content-encoding": "gzip" };
    expect(await streamed(gzipSync(done(...GOOD)), isCut, {}, headers)).toEqual(GOOD.map(ours));
  });

  test("of a completion has texts, log probabilities and an end", async () => {
    const piece = (fields: Json) => ({ ...BASE, choices: [fields] });
    const sent = (text: string, reason: string | null) => ({
      ...OURS,
      object: "text_completion",
      choices: [{ index: 0, text, logprobs: null, finish_reason: reason }],
    });
    const chunks = [piece({ text: "Hi" }), piece({ text: null }), piece({ index: 0, text: "", finish_reason: "eos" })];
    expect(await streamed(done(...chunks), isCut, { operation: "createCompletion" })).toEqual([
      sent("Hi", null),
      sent("", null),
      sent("", "stop"),
    ]);
    const deltas = [
      piece({ index: 0, delta: { content: "Hi" } }),
      piece({ index: 0, text: "", finish_reason: "stop" }),
    ];
    expect(await streamed(done(...deltas), isCut, { operation: "createCompletion" })).toEqual([
      sent("Hi", null),
      sent("", "stop"),
    ]);
  });

  test("whose choices end at different times says each end when another goes on", async () => {
    const at = (index: number, delta: Json, reason: string | null = null) => withIndex(say(delta, reason), index);
    const chunks = [
      at(0, { role: "assistant", content: "a" }),
      at(0, {}, "stop"),
      at(1, { role: "assistant", content: "b" }),
      at(1, {}, "length"),
    ];
    const body: UpstreamRequest["body"] = { kind: "json", value: { n: 2 } };
    expect(await streamed(done(...chunks), isCut, { body })).toEqual(chunks.map(ours));
  });
});

const choose = (choice: Json, more: Json = {}): Json => ({ ...WHOLE, choices: [choice], usage: USAGE, ...more });
const MESSAGE = { role: "assistant", content: "Hi" };
const FINE = { index: 0, message: MESSAGE, finish_reason: "stop" };

test.each<[string, Json, Json]>([
  ["nothing to repair", choose(FINE), choose(FINE)],
  ["another object", choose(FINE, { object: "x" }), choose(FINE)],
  ["created in milliseconds", choose(FINE, { created: 1_700_000_000_123 }), choose(FINE, { created: 1_700_000_000 })],
  ["created as a text", choose(FINE, { created: "1700000000.5" }), choose(FINE, { created: 1_700_000_000 })],
  ["a wrong total", choose(FINE, { usage: { ...USAGE, total_tokens: 1 } }), choose(FINE)],
  [
    "reasoning in the total alone",
    choose(FINE, { usage: { ...USAGE, total_tokens: 99 } }),
    choose(FINE, { usage: { ...USAGE, completion_tokens: 92, total_tokens: 99 } }),
  ],
  ["no total", choose(FINE, { usage: { prompt_tokens: 7, completion_tokens: 2 } }), choose(FINE)],
  ["no index", choose({ message: MESSAGE, finish_reason: "stop" }), choose(FINE)],
  ["no role", choose({ ...FINE, message: { content: "Hi" } }), choose(FINE)],
  ["no content", choose({ ...FINE, message: {} }), choose({ ...FINE, message: { role: "assistant", content: null } })],
  ["content in parts", choose({ ...FINE, message: { content: [{ type: "text", text: "Hi" }] } }), choose(FINE)],
  ["no finish reason", choose({ index: 0, message: MESSAGE }), choose(FINE)],
  ["an empty finish reason", choose({ ...FINE, finish_reason: "" }), choose(FINE)],
  ["an unknown finish reason", choose({ ...FINE, finish_reason: "eos" }), choose(FINE)],
  ["an empty text beside the message", choose({ ...FINE, text: "" }), choose(FINE)],
  ["text in the place of a message", choose({ index: 0, text: "Hi", finish_reason: "stop" }), choose(FINE)],
  ["text in the place of content", choose({ ...FINE, message: {}, text: "Hi" }), choose(FINE)],
  ["empty calls", choose({ ...FINE, message: { ...MESSAGE, tool_calls: [] } }), choose(FINE)],
  ["more answers than requested", choose(FINE, { choices: [FINE, { ...FINE, index: 1 }] }), choose(FINE)],
])("a non-streaming answer with %s is sent as OpenAI sends it", async (_name, answer, sent) => {
  expect(await whole(answer)).toEqual({ ...sent, model: OUR_MODEL });
});

test("a completion whose text stands in a message has it in its place", async () => {
  const text = { index: 0, text: "Hi", logprobs: null, finish_reason: "stop" };
  const sent = { ...choose(text), object: "text_completion", model: OUR_MODEL };
  for (const choice of [{ ...FINE }, { ...FINE, text: "" }, { ...text, message: MESSAGE }]) {
    expect(await whole(choose(choice), { operation: "createCompletion" })).toEqual(sent);
  }
});

test("an answer without id, time, model and usage gets them", async () => {
  expect(await whole({ choices: [FINE] })).toEqual({
    id: expect.stringMatching(/^chatcmpl-[\da-f]{32}$/),
    object: "chat.completion",
    created: expect.any(Number),
    model: OUR_MODEL,
    choices: [FINE],
    usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
  });
});

test("calls of a non-streaming answer have an id, a type and arguments that are a text", async () => {
  const message = { content: "", tool_calls: [call({ index: 0 }, "f", { x: 1 }), call({ id: "b" }, "g", "{}")] };
  expect(await whole(choose({ ...FINE, message }))).toMatchObject({
    choices: [
      {
        finish_reason: "tool_calls",
        message: {
          tool_calls: [
            { id: expect.stringMatching(/^call_/), type: "function", function: { name: "f", arguments: '{"x":1}' } },
            { id: "b", type: "function", function: { name: "g", arguments: "{}" } },
          ],
        },
      },
    ],
  });
});

test.each([undefined, null, [], "x"])("an answer whose choices are %j has failed", async (choices) => {
  await expect(whole({ ...WHOLE, choices })).rejects.toMatchObject({ code: "upstream_failed" });
});

test("an answer in one piece in whose place a stream comes is made of it", async () => {
  const tools = [call({ index: 0, id: "a", type: "function" }, "f", "{"), { index: 0, function: { arguments: "}" } }];
  const chunks = [
    ROLE,
    HI,
    say({ content: " there" }),
    ...tools.map((tool) => say({ tool_calls: [tool] })),
    STOP,
    REPORT,
  ];
  const message = {
    role: "assistant",
    content: "Hi there",
    tool_calls: [call({ id: "a", type: "function" }, "f", "{}")],
  };
  for (const type of ["text/event-stream", "application/json"]) {
    expect(await whole(done(...chunks), {}, { "content-type": type })).toEqual({
      ...WHOLE,
      model: OUR_MODEL,
      choices: [{ index: 0, message, finish_reason: "tool_calls" }],
      usage: USAGE,
    });
  }
});

test("an answer with a byte order mark, with [DONE] behind it, or of any type by its head is read", async () => {
  const body = JSON.stringify(choose(FINE));
  for (const text of [`\uFEFF${body}`, `${body}\n\ndata: [DONE]\n\n`])
    expect(await whole(text)).toMatchObject({ id: "c" });
  for (const type of ["text/plain", "text/event-stream", "application/octet-stream"]) {
    expect(await whole(body, {}, { "content-type": type })).toMatchObject({ id: "c" });
  }
  expect(await whole(body, {}, {})).toMatchObject({ id: "c" });
});

test("an answer of fewer choices than were requested is paid for, and an error that names the parameter", async () => {
  const request = { body: { kind: "json", value: { n: 2 } } } as const;
  const seen: unknown[] = [];
  const run = async () => {
    for await (const event of streamBytes({ body: JSON.stringify(choose(FINE)) }, { request })) seen.push(event);
  };
  await expect(run()).rejects.toMatchObject({ code: "unsupported_parameter", param: "n" });
  expect(seen).toMatchObject([{ type: "upstream-end", usage: { inputTokens: 7, outputTokens: 2 } }]);
});

test("zeros are an estimate, or believed where the operator says so", async () => {
  const zeros = choose(FINE, { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } });
  const body = JSON.stringify(zeros);
  const estimated = await collectAnswer(streamBytes({ body }));
  expect(estimated.usage).toMatchObject({ inputTokens: 10, outputTokens: 2 });
  expect(estimated.events).toMatchObject([{ source: "estimated" }]);
  const believed = await collectAnswer(streamBytes({ body }, { zeroUsageBelieved: true }));
  expect(believed.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
  expect(believed.events).toMatchObject([{ source: "reported" }]);
  const streamOfZeros = done(...GOOD, { ...REPORT, usage: zeros["usage"] });
  const request = { stream: true, includeUsage: true };
  expect((await collectAnswer(streamBytes({ body: streamOfZeros }, { request }))).usage.inputTokens).toBe(10);
  const trusted = await collectAnswer(streamBytes({ body: streamOfZeros }, { request, zeroUsageBelieved: true }));
  expect(trusted.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
});

test("an answer that holds too many values is refused before it is parsed, vectors later", async () => {
  const values = `[${"0,".repeat(20_000)}0]`;
  const body = JSON.stringify({ ...choose(FINE), x: "|" }).replace('"|"', values);
  await expect(whole(body)).rejects.toMatchObject({ code: "upstream_failed" });
  const vectors = `{"data":[{"embedding":${values}}],"usage":{"prompt_tokens":1,"total_tokens":1}}`;
  expect(await whole(vectors, { operation: "createEmbedding" })).toMatchObject({ object: "list", model: OUR_MODEL });
  const many = vectors.replace(values, `[${"0,".repeat(200_000)}0]`);
  await expect(whole(many, { operation: "createEmbedding" })).rejects.toMatchObject({ code: "upstream_failed" });
});

test("vectors come in the encoding that was requested", async () => {
  const numbers = [1, -0.5];
  const base64 = Buffer.from(new Float32Array(numbers).buffer).toString("base64");
  for (const vector of [numbers, base64]) {
    for (const [encoding, expected] of [
      ["float", numbers],
      ["base64", base64],
      [undefined, numbers],
    ] as const) {
      const body = { kind: "json", value: { input: "a", encoding_format: encoding } } as const;
      expect(await whole({ data: [{ embedding: vector }] }, { operation: "createEmbedding", body })).toEqual({
        object: "list",
        model: OUR_MODEL,
        data: [{ object: "embedding", index: 0, embedding: expected }],
        usage: { prompt_tokens: 1, total_tokens: 1 },
      });
    }
  }
});

test.each([
  ["a total above the prompt", { prompt_tokens: 3, total_tokens: 5 }],
  ["output of a model that has none", { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }],
])("%s is prompt of vectors, shown as it is charged", async (_case, usage) => {
  const body = JSON.stringify({ data: [{ embedding: [1] }], usage });
  const answer = await collectAnswer(streamBytes({ body }, { request: { operation: "createEmbedding" } }));
  expect(answer.usage).toMatchObject({ inputTokens: 5, outputTokens: 0 });
  expect(JSON.parse(answer.text)).toMatchObject({ usage: { prompt_tokens: 5, total_tokens: 5 } });
});

test("vectors of other dimensions than requested are an error that names the parameter", async () => {
  const body = { kind: "json", value: { input: "a", dimensions: 3 } } as const;
  await expect(whole({ data: [{ embedding: [1, 2] }] }, { operation: "createEmbedding", body })).rejects.toMatchObject({
    code: "unsupported_parameter",
    param: "dimensions",
  });
});

const transcribe = (format?: string): Partial<UpstreamRequest> => ({
  operation: "createTranscription",
  body: { kind: "form", fields: format === undefined ? [] : [{ name: "response_format", value: format }] },
});

test.each([
  ["json", '{"text":"Hi"}', "application/json", '{"text":"Hi"}'],
  [undefined, "Hi\n", "text/plain", '{"text":"Hi"}'],
  ["text", '{"text":"Hi"}', "application/json", "Hi\n"],
  ["text", '"Hi"', "application/json", "Hi"],
  ["text", "Hi\n", "text/plain; charset=utf-8", "Hi\n"],
  ["srt", "1\n00:00", "application/json", "1\n00:00"],
])("a transcript requested as %s that comes as %j of type %s is sent as %j", async (format, body, type, sent) => {
  const answer = streamBytes({ body, headers: { "content-type": type } }, { request: transcribe(format) });
  const { text, contentType } = await collectAnswer(answer);
  expect(text).toBe(sent);
  expect(contentType).toMatch(sent.startsWith("{") ? /^application\/json$/ : /^text\/plain/);
});

test.each([
  ["srt", '{"text":"Hi"}'],
  ["verbose_json", "Hi"],
])("a transcript requested as %s that comes as %j has failed", async (format, body) => {
  await expect(collectAnswer(streamBytes({ body }, { request: transcribe(format) }))).rejects.toMatchObject({
    code: "upstream_failed",
  });
});

test.each([
  ['{"detail":"too hot for canary-model-7b"}', "too hot for our-model"],
  ['{"detail":[{"loc":["body","temperature"],"msg":"too hot","type":"x"}]}', "temperature: too hot"],
  ['{"detail":{"error":"too hot"}}', "too hot"],
  ['{"error":"too hot"}', "too hot"],
  ['{"message":"too hot"}', "too hot"],
  ['{"object":"error","message":"too hot","type":"BadRequestError","code":400}', "too hot"],
  ['{"error":{"message":"too hot"}}', "too hot"],
  ['[{"error":{"message":"too hot","code":400}}]', "too hot"],
  ['{"title":"Bad Request","detail":"too hot","status":400}', "too hot"],
  ["too hot at http://gpu.internal:8000/v1", "too hot at [address]"],
  ["<html><head><title>400 too hot</title></head><body>sk-1</body></html>", "400 too hot"],
])("of an error %s the reason is kept", async (body, message) => {
  for (const isCut of both) {
    await expect(collectAnswer(streamBytes({ status: 400, body }, { isCut }))).rejects.toMatchObject({ message });
  }
  const headers = { "content-encoding": "gzip" };
  await expect(collectAnswer(streamBytes({ status: 400, body: gzipSync(body), headers }))).rejects.toMatchObject({
    message,
  });
});
