/** Responses of a model whose upstream has chat completions alone: a second server of our own, and small ones. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import OpenAI from "openai";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

const request = { model: "far", input: "Tell me about the sea.", temperature: 0 };

interface Wire {
  readonly type: string;
  readonly [field: string]: unknown;
}

async function readEvents(answer: Response): Promise<Wire[]> {
  const text = await answer.text();
  return text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as Wire] : []));
}

/** An upstream that records the bodies it gets, and answers each with the next chunks or the next whole answer. */
async function startChats(answer: (body: Wire, outgoing: ServerResponse, index: number) => void | Promise<void>) {
  const bodies: Record<string, unknown>[] = [];
  const paths: string[] = [];
  const baseUrl = await startUpstream(async (incoming: IncomingMessage, outgoing) => {
    const body = JSON.parse(await readBody(incoming)) as Wire;
    bodies.push(body);
    paths.push(incoming.url ?? "");
    await answer(body, outgoing, bodies.length - 1);
  });
  const gateway = await startGateway({ baseUrls: [baseUrl] });
  const post = (body: object) =>
    fetch(`${gateway.baseUrl}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ ...request, ...body }),
    });
  return { ...gateway, bodies, paths, post };
}

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "scripted" };
const encodeChunk = (delta: object, finish_reason: string | null = null, more: object = {}) =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason, logprobs: null }], ...more })}\n\n`;
const usage = { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 };

function answerStream(outgoing: ServerResponse, chunks: readonly string[]) {
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  outgoing.end(`${chunks.join("")}data: [DONE]\n\n`);
}

function answerMessage(outgoing: ServerResponse, message: object, finish_reason = "stop", more: object = {}) {
  outgoing.writeHead(200, { "content-type": "application/json" });
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason, logprobs: null, ...more }];
  outgoing.end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
}

test("a response comes from a second server of our own, is paid for here, and its stream says the same", async () => {
  const { client, usage: listUsage } = await startGateway(await startSecondServer());
  const whole = await client.responses.create({ ...request });
  expect(whole).toMatchObject({ object: "response", status: "completed", error: null, model: "far", temperature: 0 });
  expect(whole.id).toMatch(/^resp_[0-9a-f]{32}$/);
  expect(whole.output_text).not.toBe("");
  const { input_tokens: inputTokens = 0, output_tokens: outputTokens = 0 } = whole.usage ?? {};
  expect(await listUsage()).toMatchObject([
    { amount: -(inputTokens + outputTokens), modelId: "far", units: { inputTokens, outputTokens } },
  ]);
  const types: string[] = [];
  let text = "";
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    types.push(event.type);
    expect(event.sequence_number).toBe(types.length - 1);
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed") {
      expect(event.response.usage).toMatchObject({ input_tokens: inputTokens, output_tokens: outputTokens });
    }
  }
  expect(text).toBe(whole.output_text);
  expect(types.at(-1)).toBe("response.completed");
  await vi.waitFor(async () => expect(await listUsage()).toHaveLength(2));
});

test("earlier turns come out of our store, which another account can't read; the upstream keeps nothing", async () => {
  const { client, bodies, keys, baseUrl, stores } = await startChats((_body, outgoing) =>
    answerMessage(outgoing, { content: "Deep." }),
  );
  const first = await client.responses.create({ ...request, instructions: "Be brief." });
  const second = await client.responses.create({ model: "far", input: "Why?", previous_response_id: first.id });
  expect(bodies[1]).toMatchObject({
    model: "scripted",
    messages: [
      { role: "user", content: request.input },
      { role: "assistant", content: "Deep." },
      { role: "user", content: "Why?" },
    ],
  });
  expect(bodies[0]).toMatchObject({ messages: [{ role: "system", content: "Be brief." }, { role: "user" }] });
  expect(bodies.flatMap((body) => Object.keys(body)).filter((name) => /store|metadata|previous/.test(name))).toEqual(
    [],
  );
  expect(second).toMatchObject({ previous_response_id: first.id, store: true });
  await stores.credits.grant({ id: "eve", accountId: "eve", amount: 1_000_000, note: "tests", nowMs: 1 });
  const other = new OpenAI({ baseURL: baseUrl, apiKey: await keys.mintFor("eve"), maxRetries: 0 });
  await expect(other.responses.create({ ...request, previous_response_id: first.id })).rejects.toMatchObject({
    status: 404,
    code: "previous_response_not_found",
  });
});

test("each field of a response is that of a chat", async () => {
  const { post, bodies, paths } = await startChats((_body, outgoing) => answerMessage(outgoing, { content: "{}" }));
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const answer = await post({
    max_output_tokens: 20,
    top_p: 0.5,
    seed: 7,
    presence_penalty: 1,
    top_k: 3,
    n_predict: 4000,
    store: true,
    metadata: { topic: "sea" },
    reasoning: { effort: "low" },
    text: { format: { type: "json_schema", name: "a", schema, strict: true }, verbosity: "low" },
    include: ["message.output_text.logprobs"],
    top_logprobs: 2,
    tools: [
      { type: "function", name: "f", parameters: schema, strict: true },
      {
        type: "namespace",
        name: "sea",
        description: "It.",
        tools: [{ type: "function", name: "look", parameters: {} }],
      },
      { type: "custom", name: "patch" },
      { type: "web_search" },
    ],
    tool_choice: "auto",
    parallel_tool_calls: false,
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-dropped-parameters")).toBe("n_predict");
  expect(paths).toEqual(["/v1/chat/completions"]);
  expect(bodies[0]).toEqual({
    model: "scripted",
    messages: [{ role: "user", content: request.input }],
    max_tokens: 20,
    max_completion_tokens: 20,
    temperature: 0,
    top_p: 0.5,
    seed: 7,
    presence_penalty: 1,
    top_k: 3,
    reasoning_effort: "low",
    response_format: { type: "json_schema", json_schema: { name: "a", schema, strict: true } },
    verbosity: "low",
    logprobs: true,
    top_logprobs: 2,
    tools: [
      { type: "function", function: { name: "f", parameters: schema, strict: true } },
      { type: "function", function: { name: "sea__look", parameters: { type: "object" } } },
      { type: "function", function: expect.objectContaining({ name: "patch" }) },
    ],
    tool_choice: "auto",
    parallel_tool_calls: false,
  });
});

test.each([
  ["none", "none", 2],
  ["required", "required", 2],
  [{ type: "function", name: "g" }, { type: "function", function: { name: "g" } }, 1],
  [{ type: "allowed_tools", mode: "required", tools: [{ type: "function", name: "f" }] }, "required", 1],
])("the choice %j of tools is %j in a chat", async (tool_choice, sent, count) => {
  const { post, bodies } = await startChats((_body, outgoing) => answerMessage(outgoing, { content: "A." }));
  const tools = ["f", "g"].map((name) => ({ type: "function", name, parameters: {} }));
  expect((await post({ tools, tool_choice })).status).toBe(200);
  expect(bodies[0]).toMatchObject({ tool_choice: sent });
  expect(bodies[0]?.["tools"]).toHaveLength(count);
});

test("calls of functions, namespaces and custom tools come back as their own items, streamed or not", async () => {
  const calls = [
    { id: "call_1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
    { id: "call_2", type: "function", function: { name: "sea__look", arguments: "{}" } },
    { id: "call_3", type: "function", function: { name: "patch", arguments: '{"input":"*** \\"Begin\\""}' } },
    { id: "call_4", type: "function", function: { name: "patch", arguments: "*** Begin" } },
  ];
  const { post } = await startChats((body, outgoing) => {
    if (body["stream"] !== true) return answerMessage(outgoing, { content: null, tool_calls: calls }, "tool_calls");
    // All begin before the first goes on, and their arguments come side by side.
    const begun = calls.map(({ id, type, function: { name } }, index) => ({ index, id, type, function: { name } }));
    const pieces = [0, 1, 2, 3, 4, 5].flatMap((step) =>
      calls.map((call, index) => ({ index, function: { arguments: cut(call.function.arguments, step) } })),
    );
    const chunks = pieces.map((piece) => encodeChunk({ tool_calls: [piece] }));
    answerStream(outgoing, [encodeChunk({ tool_calls: begun }), ...chunks, encodeChunk({}, "tool_calls", { usage })]);
  });
  const tools = [
    { type: "function", name: "f", parameters: {} },
    { type: "namespace", name: "sea", description: "It.", tools: [{ type: "function", name: "look", parameters: {} }] },
    { type: "custom", name: "patch" },
  ];
  const expected = [
    { type: "function_call", call_id: "call_1", name: "f", arguments: '{"a":1}', status: "completed" },
    { type: "function_call", call_id: "call_2", name: "look", namespace: "sea", arguments: "{}" },
    { type: "custom_tool_call", call_id: "call_3", name: "patch", input: '*** "Begin"' },
    { type: "custom_tool_call", call_id: "call_4", name: "patch", input: "*** Begin" },
  ];
  expect(await (await post({ tools })).json()).toMatchObject({ output: expected });
  const events = await readEvents(await post({ tools, stream: true }));
  expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { output: expected } });
  const done = events.filter(({ type }) => type === "response.output_item.done");
  expect(done.map(({ item }) => item)).toMatchObject(expected);
});

function cut(text: string, step: number): string {
  const size = Math.ceil(text.length / 6);
  return text.slice(step * size, (step + 1) * size);
}

test("reasoning, refusals, probabilities and both kinds of early ends are those of a response", async () => {
  const token = { token: "A", logprob: -0.5, bytes: null, top_logprobs: [] };
  const answers = [
    () => [{ reasoning_content: "Hm.", content: "A" }, "stop", { logprobs: { content: [token], refusal: null } }],
    () => [{ content: null, refusal: "No." }, "stop"],
    () => [{ content: "Half" }, "length"],
    () => [{ content: "Half" }, "content_filter"],
  ] as const;
  const { post } = await startChats((_body, outgoing, index) => {
    const [message, reason, more] = answers[index]?.() ?? [{}, "stop"];
    answerMessage(outgoing, message as object, reason as string, more as object);
  });
  const ask = async () => (await post({ include: ["message.output_text.logprobs"] })).json();
  expect(await ask()).toMatchObject({
    status: "completed",
    output: [
      { type: "reasoning", content: [{ text: "Hm." }] },
      { type: "message", content: [{ text: "A", logprobs: [{ token: "A", logprob: -0.5, bytes: [65] }] }] },
    ],
    usage: { input_tokens: 9, output_tokens: 4, total_tokens: 13 },
  });
  expect(await ask()).toMatchObject({
    status: "completed",
    output: [{ type: "message", content: [{ type: "refusal", refusal: "No." }] }],
  });
  expect(await ask()).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
  expect(await ask()).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "content_filter" },
    output: [{ status: "incomplete" }],
  });
});

test("a refusal is streamed with its own events", async () => {
  const { post } = await startChats((_body, outgoing) =>
    answerStream(outgoing, [encodeChunk({ refusal: "N" }), encodeChunk({ refusal: "o." }, "stop")]),
  );
  const events = await readEvents(await post({ stream: true }));
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.refusal.delta",
    "response.refusal.delta",
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
});

test("the reasoning before a call goes back to the upstream with the call, as long as the turn goes on", async () => {
  const call = { id: "call_1", type: "function", function: { name: "f", arguments: "{}" } };
  const { post, bodies } = await startChats((_body, outgoing, index) =>
    index === 0
      ? answerMessage(outgoing, { content: null, reasoning: "Hm.", tool_calls: [call] }, "tool_calls")
      : answerMessage(outgoing, { content: "A." }),
  );
  const tools = [{ type: "function", name: "f", parameters: {} }];
  const first = (await (await post({ tools })).json()) as { id: string };
  const output = { type: "function_call_output", call_id: "call_1", output: "7" };
  const second = (await (
    await post({ tools, input: [output], previous_response_id: first.id })
  ).json()) as typeof first;
  const called = { role: "assistant", content: null, tool_calls: [call] };
  const answered = { role: "tool", tool_call_id: "call_1", content: "7" };
  const asked = { role: "user", content: request.input };
  expect(bodies[1]?.["messages"]).toEqual([asked, { ...called, reasoning_content: "Hm." }, answered]);
  await post({ input: "Go on.", previous_response_id: second.id });
  expect(bodies[2]?.["messages"]).toEqual([
    asked,
    called,
    answered,
    { role: "assistant", content: "A." },
    { role: "user", content: "Go on." },
  ]);
});

test("images and files go on to the upstream; those that only its server has are refused by name", async () => {
  const { post, bodies } = await startChats((_body, outgoing) => answerMessage(outgoing, { content: "A sea." }));
  const ask = (...content: object[]) => post({ input: [{ role: "user", content }] });
  const image = { type: "input_image", image_url: "data:image/png;base64,AA==", detail: "low" };
  const file = { type: "input_file", filename: "a.pdf", file_data: "data:application/pdf;base64,AA==" };
  expect((await ask({ type: "input_text", text: "What?" }, image, file)).status).toBe(200);
  expect(bodies[0]?.["messages"]).toEqual([
    {
      role: "user",
      content: [
        { type: "text", text: "What?" },
        { type: "image_url", image_url: { url: image.image_url, detail: "low" } },
        { type: "file", file: { filename: "a.pdf", file_data: file.file_data } },
      ],
    },
  ]);
  const refused = await ask({ type: "input_image", file_id: "file_1" });
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: { code: "unsupported_value", param: "input[0].content[0]" } });
  expect((await ask({ type: "input_file", file_url: "https://a.test/b" })).status).toBe(400);
});

test.each([
  [
    400,
    { message: "Bad messages", type: "invalid_request_error", param: "messages[0].content", code: "invalid_value" },
    400,
    "invalid_value",
    "input",
  ],
  [
    429,
    { message: "Slow down", type: "rate_limit_error", param: null, code: "rate_limit_exceeded" },
    429,
    "rate_limit_exceeded",
    null,
  ],
  [500, { message: "Oh", type: "server_error", param: null, code: null }, 500, "upstream_failed", null],
] as const)(
  "an upstream's %i before the answer is a status, streamed or not",
  async (status, error, shown, code, param) => {
    const { post, usage: listUsage } = await startChats((_body, outgoing) => {
      outgoing.writeHead(status, { "content-type": "application/json" });
      outgoing.end(JSON.stringify({ error }));
    });
    for (const stream of [false, true]) {
      const answer = await post({ stream });
      expect([answer.status, await answer.json()]).toMatchObject([shown, { error: { code, param } }]);
    }
    expect(await listUsage()).toEqual([]);
  },
);

test("what is no chat completion is a failure of the upstream", async () => {
  const { post } = await startChats((body, outgoing) => {
    outgoing.writeHead(200, { "content-type": body["stream"] === true ? "text/event-stream" : "application/json" });
    outgoing.end(body["stream"] === true ? "data: {oh\n\n" : "{oh");
  });
  for (const stream of [false, true]) {
    const answer = await post({ stream });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ error: { type: "server_error" } });
  }
});

test.each([
  ["is cut", (outgoing: ServerResponse) => void outgoing.destroy()],
  ["sends what is no JSON", (outgoing: ServerResponse) => void outgoing.end("data: {oh\n\n")],
  ["ends without a reason", (outgoing: ServerResponse) => void outgoing.end()],
  ["reports an error", (outgoing: ServerResponse) => void outgoing.end('data: {"error":{"message":"Oh"}}\n\n')],
])("a stream that %s in the middle ends with response.failed, is paid for, and is not stored", async (_how, end) => {
  const { post, usage: listUsage } = await startChats(async (_body, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.write(encodeChunk({ role: "assistant", content: "Half" }));
    await delay(20);
    end(outgoing);
  });
  const events = await readEvents(await post({ stream: true }));
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.failed",
  ]);
  const failed = events.at(-1)?.["response"] as { id: string };
  expect(failed).toMatchObject({ status: "failed", error: { code: "server_error", message: expect.any(String) } });
  await vi.waitFor(async () => expect(await listUsage()).toHaveLength(1));
  expect((await post({ previous_response_id: failed.id })).status).toBe(404);
});

test("a client that disconnects closes the call of the upstream, and pays for what it got", async () => {
  const { client, usage: listUsage, stores } = await startGateway(await startSecondServer(20));
  let seen = 0;
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    if (event.type === "response.output_text.delta") seen += 1;
    if (seen === 3) break;
  }
  await vi.waitFor(async () => expect(await listUsage()).toHaveLength(1));
  const [entry] = await listUsage();
  expect(entry?.units.outputTokens).toBeGreaterThanOrEqual(3);
  expect(entry?.units.outputTokens).toBeLessThan(8);
  expect((await stores.credits.readBalance("ada")).held).toBe(0);
});

test("an upstream that is not to serve responses refuses them", async () => {
  const { client } = await startGateway({ ...(await startSecondServer()), bridgesResponses: false });
  await expect(client.responses.create(request)).rejects.toMatchObject({ status: 501 });
});

test("a model that is not there is a bad request, as on a local engine", async () => {
  const { client } = await startGateway(await startSecondServer());
  await expect(client.responses.create({ ...request, model: "nowhere" })).rejects.toMatchObject({
    status: 400,
    code: "model_not_found",
  });
});
