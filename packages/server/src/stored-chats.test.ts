/** Stored chat completions through the official SDK, against a listening server. */

import OpenAI from "openai";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { createMemoryStores } from "./stores/memory.ts";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer();
afterAll(() => target.server.close());
const open = (apiKey: string) => new OpenAI({ baseURL: target.baseUrl, apiKey, maxRetries: 0 });
const client = open(target.keys.key);
const messages = [{ role: "user" as const, content: "Tell me about the sea." }];
const chat = { model: "scripted", messages, seed: 3, max_tokens: 16, store: true };

/** A client of an account without anything. */
let accounts = 0;
const openOther = async () => open(await target.keys.mintFor(`account-${(accounts += 1)}`));

test("a stored completion is what was answered, with its labels", async () => {
  const { id, choices, usage } = await client.chat.completions.create({ ...chat, metadata: { topic: "sea" } });
  const stored = await client.chat.completions.retrieve(id);
  expect(stored).toMatchObject({ id, object: "chat.completion", choices, usage, metadata: { topic: "sea" } });
  const updated = await client.chat.completions.update(id, { metadata: { topic: "tide" } });
  expect(updated).toEqual({ ...stored, metadata: { topic: "tide" } });
  expect((await client.chat.completions.update(id, { metadata: null })).metadata).toEqual({});
  expect(await client.chat.completions.delete(id)).toEqual({ object: "chat.completion.deleted", id, deleted: true });
  await expect(client.chat.completions.retrieve(id)).rejects.toMatchObject({ status: 404, code: "not_found" });
  await expect(client.chat.completions.delete(id)).rejects.toMatchObject({ status: 404 });
  await expect(client.chat.completions.update(id, { metadata: {} })).rejects.toMatchObject({ status: 404 });
});

test("a streamed completion is stored as a whole before its stream ends", async () => {
  const stream = await client.chat.completions.create({ ...chat, stream: true, logprobs: true });
  let text = "";
  let id = "";
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    ({ id } = chunk);
  }
  const stored = await client.chat.completions.retrieve(id);
  expect(stored.choices[0]?.message.content).toBe(text);
  expect(stored.choices[0]?.logprobs?.content?.length).toBeGreaterThan(0);
  expect(stored.usage?.total_tokens).toBeGreaterThan(0);
});

test("what was not to be stored is not", async () => {
  const { store: _, ...unstored } = chat;
  for (const fields of [{}, { store: null }, { store: false }]) {
    const { id } = await client.chat.completions.create({ ...unstored, ...fields });
    await expect(client.chat.completions.retrieve(id)).rejects.toMatchObject({ status: 404 });
  }
});

test("completions are listed page by page, by model and by labels", async () => {
  const other = await openOther();
  const ids: string[] = [];
  for (const topic of ["sea", "tide", "sea", "sand", "sea"]) {
    ids.push((await other.chat.completions.create({ ...chat, metadata: { topic } })).id);
  }
  const found: string[] = [];
  for await (const { id } of other.chat.completions.list({ limit: 2 })) found.push(id);
  expect(found).toEqual(ids);
  const newest = await other.chat.completions.list({ limit: 3, order: "desc" });
  expect(newest.data.map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 3));
  expect(newest.has_more).toBe(true);
  const labelled = await other.chat.completions.list({ metadata: { topic: "sea" }, model: "scripted" });
  expect(labelled.data.map(({ id }) => id)).toEqual([ids[0], ids[2], ids[4]]);
  expect((await other.chat.completions.list({ model: "another" })).data).toEqual([]);
});

test("the messages of a completion are listed as they were sent", async () => {
  const parts = [
    { type: "text" as const, text: "Tell me " },
    { type: "text" as const, text: "more." },
  ];
  const sent = [
    { role: "developer" as const, content: "Be brief.", name: "house" },
    ...messages,
    { role: "user" as const, content: parts },
  ];
  const { id } = await client.chat.completions.create({ ...chat, messages: sent });
  const page = await client.chat.completions.messages.list(id, { limit: 2 });
  expect(page.data).toEqual([
    { id: `${id}-0`, role: "developer", content: "Be brief.", name: "house", content_parts: null },
    { id: `${id}-1`, ...messages[0], name: null, content_parts: null },
  ]);
  expect(page.has_more).toBe(true);
  const next = await page.getNextPage();
  expect(next.data).toMatchObject([{ id: `${id}-2`, content: "Tell me more.", content_parts: parts }]);
  expect(next.has_more).toBe(false);
});

test("nobody sees, labels or deletes another account's completion", async () => {
  const { id } = await client.chat.completions.create(chat);
  const other = await openOther();
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => other.chat.completions.retrieve(id),
    async () => other.chat.completions.update(id, { metadata: {} }),
    async () => other.chat.completions.delete(id),
    async () => other.chat.completions.messages.list(id),
  ];
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({ status: 404, param: "completion_id" });
  }
  expect((await other.chat.completions.list()).data).toEqual([]);
  expect((await client.chat.completions.retrieve(id)).id).toBe(id);
});

test.each([
  ["limit=0", "limit"],
  ["limit=101", "limit"],
  ["limit=1.5", "limit"],
  ["limit=many", "limit"],
  ["limit=", "limit"],
  ["order=up", "order"],
  ["after=chatcmpl-none", "after"],
  ["metadata=sea", "metadata"],
])("a list with ?%s is refused, and %s is blamed", async (query, param) => {
  const { status, error } = await ask(`/chat/completions?${query}`);
  expect({ status, param: error?.param }).toEqual({ status: 400, param });
});

test("ids that no database takes are not found, and odd queries are ignored", async () => {
  for (const id of ["%00", "a%00b", "x".repeat(3000), "chatcmpl%2F1"]) {
    expect(await ask(`/chat/completions/${id}`), id).toMatchObject({ status: 404 });
  }
  expect(await ask("/chat/completions/%ED%A0%80")).toMatchObject({ status: 400 });
  for (const query of ["unknown=1", "[]=1", "__proto__[a]=1", "metadata[__proto__]=1", "model[a]=1&model=scripted"]) {
    expect((await ask(`/chat/completions?${query}`)).status, query).not.toBe(500);
  }
});

async function ask(path: string) {
  const headers = { authorization: `Bearer ${target.keys.key}` };
  const response = await fetch(`${target.baseUrl}${path}`, { headers });
  const body = JSON.parse(await response.text());
  return { status: response.status, error: body.error };
}

test.each(["ten", 5, [], { topic: 1 }, { ["k".repeat(65)]: "v" }, { k: "v".repeat(513) }])(
  "labels that are none are refused: %j",
  async (metadata) => {
    const { id } = await client.chat.completions.create(chat);
    const call = client.post(`/chat/completions/${id}`, { body: { metadata } });
    await expect(call).rejects.toMatchObject({ status: 400, param: expect.stringMatching(/^metadata/) });
    await expect(client.post(`/chat/completions/${id}`, { body: {} })).rejects.toMatchObject({
      status: 400,
      code: "missing_required_parameter",
    });
  },
);

test("the oldest completions make room for new ones, and what is larger than all of it is only answered", async () => {
  const small = await startTestServer({ config: { responses: { accountBytesMax: 16_384 } } });
  onTestFinished(() => small.server.close());
  const other = new OpenAI({ baseURL: small.baseUrl, apiKey: small.keys.key, maxRetries: 0 });
  const text = "x".repeat(10_000);
  const create = async (content: string | { readonly type: "text"; readonly text: string }[]) => {
    const sent = [{ role: "user" as const, content }];
    return (await other.chat.completions.create({ ...chat, messages: sent })).id;
  };
  const first = await create(text);
  const second = await create(text);
  await expect(other.chat.completions.retrieve(first)).rejects.toMatchObject({ status: 404 });
  // Parts are stored beside their text.
  const large = await create([{ type: "text", text }]);
  await expect(other.chat.completions.retrieve(large)).rejects.toMatchObject({ status: 404 });
  expect((await other.chat.completions.list()).data.map(({ id }) => id)).toEqual([second]);
});

test("a store that fails is a 503, before and in a stream", async () => {
  const stores = createMemoryStores();
  const broken = async () => Promise.reject(new Error("The disk is full."));
  const failing = { ...stores, responses: { ...stores.responses, insertChat: broken, findChat: broken } };
  const down = await startTestServer({ stores: failing });
  onTestFinished(() => down.server.close());
  const other = new OpenAI({ baseURL: down.baseUrl, apiKey: down.keys.key, maxRetries: 0 });
  const refusal = { status: 503, code: "store_unavailable" };
  await expect(other.chat.completions.create(chat)).rejects.toMatchObject(refusal);
  await expect(other.chat.completions.retrieve("chatcmpl-1")).rejects.toMatchObject(refusal);
  const stream = await other.chat.completions.create({ ...chat, stream: true });
  const reading = async () => {
    for await (const _ of stream);
  };
  await expect(reading()).rejects.toMatchObject({ code: "store_unavailable" });
});
