/** What an answer of an upstream that is no stream is normalised to, row by row as in docs/relayed-answers.md. */

import { expect, test } from "vitest";
import { gzipSync } from "node:zlib";
import type { UpstreamRequest } from "@openai-compat/core";
import { WHOLE, USAGE, say, ROLE, HI, STOP, REPORT, GOOD, done, both, whole, call } from "./testing/answer-samples.ts";
import type { Json } from "./testing/answer-samples.ts";
import { collectAnswer, OUR_MODEL } from "./testing/upstream-calls.ts";
import { streamBytes } from "./testing/stream-bytes.ts";

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
