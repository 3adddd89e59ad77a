/** Responses of a model whose upstream has `/responses` itself: a second server of our own, and small ones. */

import type { ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

const request = { model: "far", input: "Tell me about the sea.", temperature: 0 };
const operations = ["createChatCompletion", "createResponse"] as const;

type Fields = Record<string, unknown>;

async function startResponses(answer: (body: Fields, outgoing: ServerResponse, index: number) => void | Promise<void>) {
  const bodies: Fields[] = [];
  const paths: unknown[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    const body = JSON.parse(await readBody(incoming)) as Fields;
    bodies.push(body);
    paths.push(incoming.url);
    await answer(body, outgoing, bodies.length - 1);
  });
  const gateway = await startGateway({ baseUrls: [baseUrl], operations });
  const post = (body: object, key = gateway.keys.key) =>
    fetch(`${gateway.baseUrl}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ ...request, ...body }),
    });
  return { ...gateway, bodies, paths, post };
}

async function readEvents(answer: Response): Promise<Fields[]> {
  const lines = (await answer.text()).split("\n");
  return lines.flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6)) as Fields] : []));
}

const usage = {
  input_tokens: 9,
  input_tokens_details: { cached_tokens: 2 },
  output_tokens: 4,
  output_tokens_details: { reasoning_tokens: 1 },
  total_tokens: 13,
};
const message = {
  id: "msg_there",
  type: "message",
  role: "assistant",
  status: "completed",
  content: [{ type: "output_text", text: "Deep.", annotations: [], logprobs: [] }],
};
const RESPONSE = { id: "resp_there", object: "response", created_at: 1, model: "scripted", status: "completed", usage };

function answerWhole(outgoing: ServerResponse, fields: object = {}) {
  outgoing.writeHead(200, { "content-type": "application/json" });
  outgoing.end(JSON.stringify({ ...RESPONSE, output: [message], error: null, incomplete_details: null, ...fields }));
}

const encode = (event: Fields) => `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
const piece = {
  type: "response.output_text.delta",
  item_id: "msg_there",
  output_index: 0,
  content_index: 0,
  delta: "Deep.",
  logprobs: [],
};
const BEGUN = [
  { type: "response.created", response: { ...RESPONSE, status: "in_progress", output: [], usage: null } },
  { type: "response.output_item.added", output_index: 0, item: { ...message, status: "in_progress", content: [] } },
  { type: "response.x_future.thing", item_id: "msg_there", delta: { a: 1 }, extra: [1] },
  piece,
].map((event, index) => encode({ ...event, sequence_number: index + 7 }));
const ENDED = [
  { type: "response.output_item.done", output_index: 0, item: message },
  { type: "response.completed", response: { ...RESPONSE, output: [message], x_future: true } },
].map((event, index) => encode({ ...event, sequence_number: index + 20 }));

test("a response comes from a second server of our own, which stores nothing, and is paid for here", async () => {
  const upstream = await startSecondServer();
  const { client, usage: listUsage } = await startGateway({ ...upstream, operations });
  const first = await client.responses.create({ ...request, metadata: { topic: "sea" } });
  expect(first).toMatchObject({ status: "completed", model: "far", store: true, metadata: { topic: "sea" } });
  expect(first.output_text).not.toBe("");
  const second = await client.responses.create({ model: "far", input: "Why?", previous_response_id: first.id });
  expect(second).toMatchObject({ previous_response_id: first.id, status: "completed" });
  expect(second.usage?.input_tokens).toBeGreaterThan(
    (first.usage?.input_tokens ?? 0) + (first.usage?.output_tokens ?? 0),
  );
  expect(await upstream.second.stores.responses.findResponse("ada", first.id)).toBeNull();
  const entries = await listUsage();
  expect(entries).toHaveLength(2);
  expect(entries.map(({ amount }) => -amount).toSorted((a, b) => a - b)).toEqual(
    [first.usage?.total_tokens ?? 0, second.usage?.total_tokens ?? 0].toSorted((a, b) => a - b),
  );
  const stream = client.responses.stream(request);
  const types: string[] = [];
  for await (const event of stream) {
    expect(event.sequence_number).toBe(types.length);
    types.push(event.type);
  }
  expect((await stream.finalResponse()).output_text).toBe(first.output_text);
  expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
  expect(types.at(-1)).toBe("response.completed");
});

test("the upstream gets the items of all turns, and no state", async () => {
  const { post, bodies, paths } = await startResponses((_body, outgoing) => answerWhole(outgoing));
  const tools = [{ type: "web_search" }, { type: "namespace", name: "n", description: "It.", tools: [] }];
  const first = (await (
    await post({ tools, metadata: { a: "b" }, max_output_tokens: 20, safety_identifier: "x" })
  ).json()) as Fields;
  expect(paths).toEqual(["/v1/responses"]);
  expect(bodies[0]).toEqual({
    model: "scripted",
    input: [{ role: "user", content: request.input }],
    temperature: 0,
    tools,
    max_output_tokens: 20,
    safety_identifier: "x",
    store: false,
  });
  expect(first).toMatchObject({
    store: true,
    metadata: { a: "b" },
    model: "far",
    usage,
    output: [{ content: message.content }],
  });
  expect(JSON.stringify(first)).not.toMatch(/_there/);
  const answer = await post({ input: "Why?", previous_response_id: first["id"], n_predict: 3 });
  expect(answer.headers.get("x-dropped-parameters")).toBe("n_predict");
  const [output] = first["output"] as Fields[];
  expect(bodies[1]?.["input"]).toEqual([
    expect.objectContaining({ type: "message", role: "user" }),
    output,
    { role: "user", content: "Why?" },
  ]);
  expect(bodies[1]).not.toHaveProperty("previous_response_id");
});

test("events pass with ids of this server, known or not, and the last one fills in what is missing", async () => {
  const { post, usage: listUsage } = await startResponses((_body, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const last = encode({ type: "response.completed", response: { ...RESPONSE, output: [], usage: null } });
    outgoing.end([...BEGUN, ENDED[0], last].join(""));
  });
  const events = await readEvents(await post({ stream: true }));
  expect(events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.x_future.thing",
    "response.output_text.delta",
    "response.output_item.done",
    "response.completed",
  ]);
  expect(events.map((event) => event["sequence_number"])).toEqual(events.map((_, index) => index));
  expect(JSON.stringify(events)).not.toMatch(/_there/);
  const id = ((events[2] ?? {})["item"] as Fields)["id"];
  expect(id).toMatch(/^msg_[0-9a-f]{32}$/);
  expect(events[3]).toMatchObject({ item_id: id, delta: { a: 1 }, extra: [1] });
  const last = (events.at(-1) ?? {})["response"] as Fields;
  expect(last).toMatchObject({
    id: ((events[0] ?? {})["response"] as Fields)["id"],
    output: [{ id, content: message.content }],
    usage: { output_tokens: 2, input_tokens: expect.any(Number) },
  });
  await vi.waitFor(async () => expect(await listUsage()).toHaveLength(1));
  expect(-((await listUsage())[0]?.amount ?? 0)).toBe((last["usage"] as { total_tokens: number }).total_tokens);
});

test("reasoning goes back to the upstream for the account that got it, and for no other", async () => {
  const reasoning = { id: "rs_there", type: "reasoning", summary: [], encrypted_content: "blob" };
  const { post, bodies, keys, stores } = await startResponses((_body, outgoing) =>
    answerWhole(outgoing, { output: [reasoning, message] }),
  );
  await stores.credits.grant({ id: "eve", accountId: "eve", amount: 1_000_000, note: "tests", nowMs: 1 });
  const first = (await (await post({ reasoning: { effort: "low" } })).json()) as { id: string; output: Fields[] };
  expect(bodies[0]).toMatchObject({ include: ["reasoning.encrypted_content"], reasoning: { effort: "low" } });
  const sealed = first.output[0] ?? {};
  expect(sealed["encrypted_content"]).not.toContain("blob");
  await post({ previous_response_id: first.id });
  expect(bodies[1]?.["input"]).toMatchObject([{}, { type: "reasoning", encrypted_content: "blob" }, {}, {}]);
  await post({ input: [sealed, { role: "user", content: "Go on." }], store: false });
  expect(bodies[2]?.["input"]).toMatchObject([{ type: "reasoning", encrypted_content: "blob" }, {}]);
  await post({ input: [sealed, { role: "user", content: "Go on." }] }, await keys.mintFor("eve"));
  expect(bodies[3]?.["input"]).toEqual([{ role: "user", content: "Go on." }]);
});

test("items of types that this server does not know go back to the upstream", async () => {
  const strange = { id: "xx_there", type: "x_future_call", data: { a: 1 } };
  const { post, bodies } = await startResponses((_body, outgoing) => answerWhole(outgoing, { output: [strange] }));
  const first = (await (await post({})).json()) as { id: string; output: Fields[] };
  expect((await post({ previous_response_id: first.id })).status).toBe(200);
  expect(bodies[1]?.["input"]).toMatchObject([
    {},
    { type: "x_future_call", data: { a: 1 }, id: first.output[0]?.["id"] },
    {},
  ]);
});

test.each([
  [
    "ends with an event that has no response",
    (outgoing: ServerResponse) => void outgoing.end('data: {"type":"response.completed","response":[]}\n\n'),
  ],
  ["is cut", (outgoing: ServerResponse) => void outgoing.destroy()],
  ["ends without its last event", (outgoing: ServerResponse) => void outgoing.end()],
  ["sends what is no JSON", (outgoing: ServerResponse) => void outgoing.end("data: {oh\n\n")],
  [
    "reports an error",
    (outgoing: ServerResponse) => void outgoing.end('event: error\ndata: {"type":"error","message":"Oh"}\n\n'),
  ],
])("a stream that %s ends with response.failed, is paid for, and is not stored", async (_how, end) => {
  const { post, usage: listUsage } = await startResponses(async (_body, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.write(BEGUN.join(""));
    await delay(20);
    end(outgoing);
  });
  const events = await readEvents(await post({ stream: true }));
  expect(events.at(-1)).toMatchObject({
    type: "response.failed",
    sequence_number: 5,
    response: { status: "failed", error: { code: "server_error", message: expect.any(String) } },
  });
  await vi.waitFor(async () => expect(await listUsage()).toHaveLength(1));
  const { id } = (events.at(-1) ?? {})["response"] as { id: string };
  expect((await post({ previous_response_id: id })).status).toBe(404);
});

test("a failure that the upstream reports as the end of its response passes, and is not stored", async () => {
  const { post } = await startResponses((_body, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const error = { code: "rate_limit_exceeded", message: "Organisation canary-7 is asked too often." };
    const failed = encode({ type: "response.failed", response: { ...RESPONSE, status: "failed", error, output: [] } });
    outgoing.end(BEGUN[0] + failed);
  });
  const events = await readEvents(await post({ stream: true }));
  const failed = (events.at(-1) ?? {})["response"] as Fields;
  expect(failed).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" }, model: "far" });
  expect(JSON.stringify(events)).not.toContain("canary-7");
  expect((await post({ previous_response_id: failed["id"] })).status).toBe(404);
});

test.each([
  [
    400,
    { message: "Bad", type: "invalid_request_error", param: "input[0]", code: "invalid_value" },
    400,
    "invalid_value",
  ],
  [
    429,
    { message: "Slow", type: "rate_limit_error", param: null, code: "rate_limit_exceeded" },
    429,
    "rate_limit_exceeded",
  ],
  [500, { message: "Oh", type: "server_error", param: null, code: null }, 500, "upstream_failed"],
] as const)("an upstream's %i is a status, streamed or not", async (status, error, shown, code) => {
  const { post } = await startResponses((_body, outgoing) => {
    outgoing.writeHead(status, { "content-type": "application/json" });
    outgoing.end(JSON.stringify({ error }));
  });
  for (const stream of [false, true]) {
    const answer = await post({ stream });
    expect([answer.status, await answer.json()]).toMatchObject([shown, { error: { code } }]);
  }
});

test.each([
  ["fails in one piece", { status: "failed", error: { code: "server_error", message: "Oh" }, output: [] }],
  ["has no output", { output: null }],
])("an answer that %s is a failure of the upstream", async (_how, fields) => {
  const { post } = await startResponses((_body, outgoing) => answerWhole(outgoing, fields));
  expect((await post({})).status).toBe(500);
  expect((await post({ stream: true })).status).toBe(500);
});

test("an answer that was cut by its limit is incomplete", async () => {
  const { client } = await startResponses((_body, outgoing) =>
    answerWhole(outgoing, { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }),
  );
  const answer = await client.responses.create(request);
  expect(answer).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
});
