/** Chat completions with `store: true` of a model of an upstream: they are kept here, and not there. */

import { expect, test } from "vitest";
import { readBody, startGateway, startSecondServer, startUpstream } from "./testing/test-gateway.ts";

const messages = [{ role: "user" as const, content: "Tell me about the sea." }];
const chat = { model: "far", messages, seed: 3, max_tokens: 16, store: true, metadata: { topic: "sea" } };

test("a completion is stored as it was answered, with its labels and messages; the upstream stores nothing", async () => {
  const upstream = await startSecondServer();
  const { client } = await startGateway(upstream);
  const { id, choices, usage } = await client.chat.completions.create(chat);
  const stored = await client.chat.completions.retrieve(id);
  expect(stored).toMatchObject({
    id,
    object: "chat.completion",
    choices,
    usage,
    metadata: chat.metadata,
    model: "far",
  });
  const listed = await client.chat.completions.messages.list(id);
  expect(listed.data).toMatchObject([{ role: "user", content: chat.messages[0]?.content, id: `${id}-0` }]);
  expect((await client.chat.completions.list({ metadata: { topic: "sea" } })).data).toHaveLength(1);
  const there = await upstream.second.stores.responses.listChats("ada", {
    after: null,
    limit: 10,
    order: "asc",
    model: null,
    metadata: {},
  });
  expect(there).toMatchObject({ data: [] });
});

test.each([true, false])("a stream is stored before it ends, its usage shown or not (%s)", async (include_usage) => {
  const { client } = await startGateway(await startSecondServer());
  const stream = await client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage } });
  let text = "";
  const ids = new Set<string>();
  const usages = [];
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    ids.add(chunk.id);
    if (chunk.usage !== undefined && chunk.usage !== null) usages.push(chunk.usage);
  }
  const [id = ""] = ids;
  expect(ids.size).toBe(1);
  expect(usages).toHaveLength(include_usage ? 1 : 0);
  const stored = await client.chat.completions.retrieve(id);
  expect(stored).toMatchObject({ id, object: "chat.completion", metadata: chat.metadata, usage: { prompt_tokens: 8 } });
  expect(stored.choices).toMatchObject([{ index: 0, message: { role: "assistant", content: text, refusal: null } }]);
});

const CHOICE = { index: 0, message: { role: "assistant", content: "Deep." }, finish_reason: "stop", logprobs: null };
const ANSWER = { id: "same", object: "chat.completion", created: 1, model: "scripted", choices: [CHOICE] };

test("an upstream that gives the same id twice does not mix up what is stored, and gets neither store nor metadata", async () => {
  const bodies: object[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    bodies.push(JSON.parse(await readBody(incoming)) as object);
    outgoing.writeHead(200, { "content-type": "application/json" });
    outgoing.end(JSON.stringify(ANSWER));
  });
  const { client } = await startGateway({ baseUrls: [baseUrl] });
  const ids = [await client.chat.completions.create(chat), await client.chat.completions.create(chat)].map(
    ({ id }) => id,
  );
  expect(new Set(ids).size).toBe(2);
  expect((await client.chat.completions.list()).data.map(({ id }) => id)).toEqual(ids);
  expect(bodies.flatMap((body) => Object.keys(body))).not.toContain("store");
  expect(bodies.flatMap((body) => Object.keys(body))).not.toContain("metadata");
  await client.chat.completions.create({ ...chat, store: false });
  expect(bodies.at(-1)).toMatchObject({ store: false, metadata: chat.metadata });
  expect((await client.chat.completions.list()).data).toHaveLength(2);
});

test("a stream that is cut is not stored, and labels that can't be are refused by name", async () => {
  const baseUrl = await startUpstream((_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta: { content: "Half" }, finish_reason: null }];
    outgoing.write(`data: ${JSON.stringify({ ...ANSWER, object: "chat.completion.chunk", choices })}\n\n`);
    setTimeout(() => outgoing.destroy(), 20);
  });
  const { client } = await startGateway({ baseUrls: [baseUrl] });
  const read = async () => {
    const seen: object[] = [];
    for await (const chunk of await client.chat.completions.create({ ...chat, stream: true })) seen.push(chunk);
    return seen;
  };
  await expect(read()).rejects.toThrow(/broke off its answer/);
  expect((await client.chat.completions.list()).data).toEqual([]);
  const refused = client.chat.completions.create({ ...chat, metadata: { topic: "a".repeat(513) } });
  await expect(refused).rejects.toMatchObject({ status: 400, param: "metadata.topic" });
});

test("a stream of more than an account may store arrives whole, and is not stored", async () => {
  const lines = 200;
  const baseUrl = await startUpstream((_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const choices = [{ index: 0, delta: { content: "a".repeat(100) }, finish_reason: null }];
    const chunk = `data: ${JSON.stringify({ ...ANSWER, object: "chat.completion.chunk", choices })}\n\n`;
    const end = JSON.stringify({ ...ANSWER, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
    outgoing.end(`${chunk.repeat(lines)}data: ${end}\n\ndata: [DONE]\n\n`);
  });
  const config = { responses: { accountBytesMax: 16 * 1024 } };
  const { client } = await startGateway({ baseUrls: [baseUrl] }, "chat", config);
  let length = 0;
  for await (const { choices } of await client.chat.completions.create({ ...chat, stream: true })) {
    length += choices[0]?.delta.content?.length ?? 0;
  }
  expect(length).toBe(lines * 100);
  expect((await client.chat.completions.list()).data).toEqual([]);
});

test("a stream with an event that is no JSON fails as the upstream's", async () => {
  const baseUrl = await startUpstream((_incoming, outgoing) => {
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    outgoing.end("data: {\n\ndata: [DONE]\n\n");
  });
  const { client } = await startGateway({ baseUrls: [baseUrl] });
  const read = async () => {
    for await (const _ of await client.chat.completions.create({ ...chat, stream: true }));
  };
  await expect(read()).rejects.toThrow(/can't be used/);
});
