import { createWorkSlices } from "@openai-compat/core";
import { expect, test } from "vitest";
import { encodeRequest, listDroppedParameters, type RequestOptions } from "./encode-request.ts";
import type { ExchangeRequest } from "./exchange.ts";
import { upstreamRequest } from "./testing/upstream-calls.ts";

const OPTIONS: RequestOptions = {
  model: "theirs",
  apiKey: "sk-1",
  passParameters: [],
  completionTokensMax: null,
  limitNames: "both",
  slices: createWorkSlices({ signal: new AbortController().signal }),
};

async function bodyOf(request: Parameters<typeof encodeRequest>[0]): Promise<unknown> {
  const { body } = await encodeRequest(request, OPTIONS);
  return typeof body === "string" ? JSON.parse(body) : null;
}

function readText(body: ExchangeRequest["body"]): string {
  return typeof body === "string" || body instanceof Uint8Array ? "" : Buffer.concat(body).toString();
}

test("the upstream's model name takes the place of the caller's, and what is known passes", async () => {
  const value = { model: "default", messages: [], top_k: 4, chat_template_kwargs: { a: [1, null] } };
  expect(await bodyOf(upstreamRequest({ body: { kind: "json", value } }))).toEqual({ ...value, model: "theirs" });
});

/** Everything that some server reads as a limit, as a number of answers, or as something else that costs. */
const COSTLY = {
  n_predict: 3000,
  num_predict: 3000,
  max_new_tokens: 3000,
  max_length: 3000,
  max_output_tokens: 3000,
  min_tokens: 3000,
  min_length: 3000,
  ignore_eos: true,
  use_beam_search: true,
  best_of: 50,
  num_return_sequences: 50,
  candidate_count: 50,
  num_beams: 50,
  chat_template: "{% for i in range(9999) %}x{% endfor %}",
  options: { num_predict: 3000, num_ctx: 9999 },
  extra_body: { max_tokens: 3000 },
  parameters: { max_new_tokens: 3000 },
  generation_config: { maxOutputTokens: 3000 },
  MAX_TOKENS: 3000,
  Max_Completion_Tokens: 3000,
  N: 50,
  documents: [{ text: "x" }],
  service_tier: "priority",
  priority: 0,
  web_search_options: {},
  models: ["a-dearer-one"],
};

test("what can cost more than the limit and the number of answers say is not sent, and is reported", async () => {
  const value = { ...COSTLY, model: "default", messages: [], max_tokens: 2000, max_completion_tokens: 1, n: 2 };
  const request = upstreamRequest({ outputTokensMax: 1, body: { kind: "json", value } });
  expect(await bodyOf(request)).toEqual({
    model: "theirs",
    messages: [],
    max_tokens: 1,
    max_completion_tokens: 1,
    n: 2,
  });
  expect(listDroppedParameters(request, OPTIONS)).toEqual(Object.keys(COSTLY).slice(0, 20));
});

test("an operator can let a parameter pass", async () => {
  const value = { messages: [], documents: [1], max_new_tokens: 5 };
  const { body } = await encodeRequest(upstreamRequest({ body: { kind: "json", value } }), {
    ...OPTIONS,
    passParameters: ["documents"],
  });
  expect(JSON.parse(String(body))).toEqual({ model: "theirs", messages: [], documents: [1] });
});

test("null means the default, and is not sent", async () => {
  const value = { messages: [], temperature: null, stop: null, tools: null, max_tokens: null, stream: null };
  expect(await bodyOf(upstreamRequest({ body: { kind: "json", value } }))).toEqual({ model: "theirs", messages: [] });
});

test("the limit goes out under each name that the upstream may know, always as one number", async () => {
  const sent = async (request: Parameters<typeof upstreamRequest>[0], options: Partial<RequestOptions> = {}) => {
    const { body } = await encodeRequest(upstreamRequest(request), { ...OPTIONS, ...options });
    const { max_tokens: old, max_completion_tokens: renamed }: Record<string, unknown> = JSON.parse(String(body));
    return [old, renamed];
  };
  expect(await sent({ outputTokensMax: 7 })).toEqual([7, 7]);
  expect(await sent({ outputTokensMax: 7 }, { limitNames: "max_tokens" })).toEqual([7, undefined]);
  expect(await sent({ outputTokensMax: 7 }, { limitNames: "max_completion_tokens" })).toEqual([undefined, 7]);
  expect(await sent({ outputTokensMax: 7, operation: "createCompletion" })).toEqual([7, undefined]);
  expect(await sent({})).toEqual([undefined, undefined]);
  expect(await sent({}, { completionTokensMax: 9 })).toEqual([9, 9]);
  expect(await sent({ outputTokensMax: 7 }, { completionTokensMax: 5 })).toEqual([7, 7]);
  expect(await sent({ operation: "createEmbedding" }, { completionTokensMax: 9 })).toEqual([undefined, undefined]);
});

test("a field of a form that stands twice is sent once, as it was read here", async () => {
  const fields = [
    { name: "temperature", value: "0" },
    { name: "temperature", value: "1" },
    { name: "timestamp_granularities[]", value: "word" },
    { name: "timestamp_granularities[]", value: "segment" },
    { name: "max_new_tokens", value: "9" },
  ];
  const request = upstreamRequest({ operation: "createTranscription", body: { kind: "form", fields } });
  const text = readText((await encodeRequest(request, OPTIONS)).body);
  expect(text.match(/name="(?!model)[^"]*"\r\n\r\n.*/g)).toEqual([
    'name="temperature"\r\n\r\n1',
    'name="timestamp_granularities[]"\r\n\r\nword',
    'name="timestamp_granularities[]"\r\n\r\nsegment',
  ]);
  expect(listDroppedParameters(request, OPTIONS)).toEqual(["max_new_tokens"]);
});

test("a stream of completions is asked for its usage whatever the caller said", async () => {
  for (const operation of ["createChatCompletion", "createCompletion"] as const) {
    const value = { stream: true, stream_options: { include_usage: false, include_obfuscation: false } };
    const request = upstreamRequest({ operation, stream: true, body: { kind: "json", value } });
    expect(await bodyOf(request)).toMatchObject({
      stream_options: { include_usage: true, include_obfuscation: false },
    });
  }
  expect(await bodyOf(upstreamRequest())).not.toHaveProperty("stream_options");
});

test("only headers of ours are sent, and the trace where it is one", async () => {
  const traceParent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  expect((await encodeRequest(upstreamRequest({ traceParent }), OPTIONS)).headers).toEqual({
    "content-type": "application/json",
    accept: "application/json",
    "accept-encoding": "identity",
    "user-agent": "openai-compat",
    authorization: "Bearer sk-1",
    traceparent: traceParent,
  });
  const { headers } = await encodeRequest(upstreamRequest({ traceParent: "x\r\nevil: 1" }), {
    ...OPTIONS,
    apiKey: null,
  });
  expect(Object.keys(headers)).not.toContain("traceparent");
  expect(Object.keys(headers)).not.toContain("authorization");
});

test("a form names one model, the upstream's", async () => {
  const fields = [
    { name: "model", value: "default" },
    { name: "language", value: "en" },
    { name: "model", value: "again" },
  ];
  const request = upstreamRequest({
    operation: "createTranscription",
    path: "/audio/transcriptions",
    body: { kind: "form", fields },
  });
  const { body, path, headers } = await encodeRequest(request, OPTIONS);
  const text = readText(body);
  expect(headers["content-length"]).toBe(String(Buffer.byteLength(text)));
  expect(path).toBe("/audio/transcriptions");
  expect(text.match(/name="model"\r\n\r\n(.*)\r\n/g)).toEqual(['name="model"\r\n\r\ntheirs\r\n']);
  expect(text).toContain('name="language"\r\n\r\nen\r\n');
});
