/** Conversations, and what becomes of stored responses, through the official SDK against a listening server. */

import OpenAI from "openai";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { createMemoryStores } from "./stores/memory.ts";
import { startTestServer } from "./testing/test-server.ts";

const target = await startTestServer();
afterAll(() => target.server.close());
const open = (apiKey: string) => new OpenAI({ baseURL: target.baseUrl, apiKey, maxRetries: 0 });
const client = open(target.keys.key);
let accounts = 0;
/** A client of an account without anything. */
const openOther = async () => open(await target.keys.mintFor(`account-${(accounts += 1)}`));

const say = (content: string) => ({ role: "user" as const, content });
const REQUEST = { model: "scripted", input: "Tell me about the sea.", max_output_tokens: 16 };

async function listTexts(
  conversation: string,
  query: { readonly limit?: number; readonly order?: "asc" | "desc" } = {},
) {
  const texts: string[] = [];
  for await (const { content } of client.conversations.items.list(conversation, {
    order: "asc",
    ...query,
  }) as AsyncIterable<{
    readonly content?: readonly { readonly text?: string }[];
  }>)
    texts.push(content?.[0]?.text ?? "");
  return texts;
}

async function ask(method: string, path: string, body?: unknown) {
  const headers = { authorization: `Bearer ${target.keys.key}`, "content-type": "application/json" };
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const response = await fetch(`${target.baseUrl}${path}`, { method, headers, ...sent });
  const { error, ...rest } = JSON.parse(await response.text());
  return { status: response.status, param: error?.param, code: error?.code, rest };
}

test("a conversation is made, read, labelled and deleted", async () => {
  const made = await client.conversations.create({ metadata: { topic: "sea" }, items: [say("Hello.")] });
  expect(made).toEqual({
    id: expect.stringMatching(/^conv_[\da-f]{32}$/),
    object: "conversation",
    created_at: expect.any(Number),
    metadata: { topic: "sea" },
  });
  expect(await client.conversations.retrieve(made.id)).toEqual(made);
  const updated = await client.conversations.update(made.id, { metadata: { topic: "tide" } });
  expect(updated).toEqual({ ...made, metadata: { topic: "tide" } });
  expect((await client.conversations.update(made.id, { metadata: null })).metadata).toEqual({});
  expect(await listTexts(made.id)).toEqual(["Hello."]);
  const deleted = { id: made.id, object: "conversation.deleted", deleted: true };
  expect(await client.conversations.delete(made.id)).toEqual(deleted);
  const calls = [
    async () => client.conversations.retrieve(made.id),
    async () => client.conversations.update(made.id, { metadata: {} }),
    async () => client.conversations.delete(made.id),
    async () => client.conversations.items.list(made.id),
    async () => client.conversations.items.create(made.id, { items: [say("Hello.")] }),
  ];
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({ status: 404, code: "not_found", param: "conversation_id" });
  }
  const lost = client.responses.create({ ...REQUEST, conversation: made.id });
  await expect(lost).rejects.toMatchObject({ status: 404, param: "conversation" });
});

test("a conversation needs no body, and an empty one of another operation is refused", async () => {
  expect((await client.conversations.create()).metadata).toEqual({});
  expect((await ask("POST", "/conversations")).status).toBe(200);
  expect((await ask("POST", "/conversations", "{}")).status).toBe(200);
  expect((await ask("POST", "/conversations", " ")).status).toBe(400);
  expect((await ask("POST", "/conversations", "[]")).status).toBe(400);
  const { id } = await client.conversations.create();
  expect((await ask("POST", `/conversations/${id}`)).status).toBe(400);
  expect((await ask("POST", `/conversations/${id}/items`)).status).toBe(400);
});

test("items are added in their order, listed page by page either way, read and deleted", async () => {
  const { id } = await client.conversations.create();
  const texts = ["one", "two", "three", "four", "five"];
  const added = await client.conversations.items.create(id, { items: texts.map(say) });
  expect(added).toMatchObject({ first_id: added.data[0]?.id, last_id: added.data[4]?.id, has_more: false });
  expect(await listTexts(id, { limit: 2 })).toEqual(texts);
  expect(await listTexts(id, { limit: 2, order: "desc" })).toEqual(texts.toReversed());
  // The newest first, where the query does not say.
  expect((await client.conversations.items.list(id, { limit: 1 })).data[0]?.id).toBe(added.last_id);
  const item = await client.conversations.items.retrieve(added.first_id, { conversation_id: id });
  expect(item).toEqual(added.data[0]);
  const left = await client.conversations.items.delete(added.first_id, { conversation_id: id });
  expect(left).toMatchObject({ id, object: "conversation" });
  expect(await listTexts(id)).toEqual(texts.slice(1));
  for (const call of [
    async () => client.conversations.items.retrieve(added.first_id, { conversation_id: id }),
    async () => client.conversations.items.delete(added.first_id, { conversation_id: id }),
  ])
    await expect(call()).rejects.toMatchObject({ status: 404, param: "item_id" });
});

test("pages go on where they were while items come and go, and a cursor that is deleted is refused", async () => {
  const { id } = await client.conversations.create();
  const { data } = await client.conversations.items.create(id, { items: ["a", "b", "c", "d"].map(say) });
  const ids = data.map((item) => item.id);
  const first = await client.conversations.items.list(id, { limit: 2, order: "asc" });
  await client.conversations.items.delete(String(ids[0]), { conversation_id: id });
  await client.conversations.items.delete(String(ids[2]), { conversation_id: id });
  const { last_id: last } = await client.conversations.items.create(id, { items: [say("e")] });
  const next = await first.getNextPage();
  expect(next.data.map((item) => item.id)).toEqual([ids[3], last]);
  await client.conversations.items.delete(String(ids[1]), { conversation_id: id });
  await expect(first.getNextPage()).rejects.toMatchObject({ status: 400, code: "invalid_value", param: "after" });
});

test("what a response in a conversation was asked and has answered becomes items of it", async () => {
  const { id } = await client.conversations.create({ items: [say("First.")] });
  const first = await client.responses.create({ ...REQUEST, conversation: id });
  expect(first.conversation).toEqual({ id });
  expect(await listTexts(id)).toEqual(["First.", REQUEST.input, first.output_text]);
  const second = await client.responses.create({ ...REQUEST, input: "Go on.", conversation: { id } });
  expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? Infinity);
  expect(await listTexts(id)).toHaveLength(5);
  // A deleted response takes nothing out of its conversation.
  await client.responses.delete(first.id);
  expect(await listTexts(id)).toHaveLength(5);
});

test("an item may be any of a response's input, and a reference stands for what it names", async () => {
  const made = await client.responses.create(REQUEST);
  const items: OpenAI.Responses.ResponseInputItem[] = [
    { role: "developer", content: [{ type: "input_text", text: "Be brief." }] },
    { type: "function_call", id: "fc_mine", call_id: "call_1", name: "look", arguments: "{}" },
    { type: "function_call_output", call_id: "call_1", output: "sand" },
    { type: "reasoning", id: "rs_mine", summary: [], encrypted_content: "sealed" },
    { type: "item_reference", id: String(made.output[0]?.id) },
  ];
  const { id } = await client.conversations.create();
  const { data } = await client.conversations.items.create(id, { items });
  expect(data.map((item) => item.type)).toEqual([
    "message",
    "function_call",
    "function_call_output",
    "reasoning",
    "message",
  ]);
  expect(data[4]).toMatchObject({ id: made.output[0]?.id, role: "assistant" });
  const query = { conversation_id: id, include: ["reasoning.encrypted_content" as const] };
  expect(await client.conversations.items.retrieve("rs_mine", query)).toMatchObject({ encrypted_content: "sealed" });
  const plain = await client.conversations.items.retrieve("rs_mine", { conversation_id: id });
  expect(plain).not.toHaveProperty("encrypted_content");
  expect((await client.responses.create({ ...REQUEST, conversation: id })).status).not.toBe("failed");
});

test.each([
  [{ items: Array.from({ length: 21 }, () => say("a")) }, "items"],
  [{ items: "Hello." }, "items"],
  [{ items: [{ type: "message", role: "user" }] }, "items[0]"],
  [
    {
      items: [
        { ...say("a"), id: "one" },
        { ...say("b"), id: "one" },
      ],
    },
    "items[1].id",
  ],
  [{ items: [{ type: "item_reference", id: "msg_none" }] }, "items[0].id"],
])("items that can't be added are refused, and named: %j", async (body, param) => {
  const { id } = await client.conversations.create();
  for (const path of ["/conversations", `/conversations/${id}/items`]) {
    const refused = await ask("POST", path, body);
    expect([400, 404]).toContain(refused.status);
    expect(String(refused.param).startsWith(param), `${path}: ${refused.param}`).toBe(true);
  }
  expect(await listTexts(id)).toEqual([]);
});

test("an id that the conversation has already is refused, and nothing of the request is added", async () => {
  const { id } = await client.conversations.create({ items: [{ ...say("a"), id: "mine" }] });
  const body = { items: [say("b"), { ...say("c"), id: "mine" }] };
  expect(await ask("POST", `/conversations/${id}/items`, body)).toMatchObject({ status: 400, param: "items" });
  expect(await listTexts(id)).toEqual(["a"]);
});

test.each([
  { ["k".repeat(65)]: "v" },
  { k: "v".repeat(513) },
  { k: 1 },
  "ten",
  Object.fromEntries(Array.from({ length: 17 }, (_, key) => [key, "v"])),
])("labels that are none are refused: %j", async (metadata) => {
  const { id } = await client.conversations.create();
  for (const path of ["/conversations", `/conversations/${id}`]) {
    const refused = await ask("POST", path, { metadata });
    expect(refused).toMatchObject({ status: 400, param: expect.stringMatching(/^metadata/) });
  }
  expect(await ask("POST", `/conversations/${id}`, {})).toMatchObject({ code: "missing_required_parameter" });
});

test.each([
  ["limit=0", "limit"],
  ["limit=101", "limit"],
  ["order=up", "order"],
  ["after=msg_none", "after"],
  ["include[]=everything", "include[0]"],
  ["include=everything", "include[0]"],
])("a list with ?%s is refused, and %s is blamed", async (query, param) => {
  const { id } = await client.conversations.create({ items: [say("a")] });
  const response = await client.responses.create(REQUEST);
  for (const path of [`/conversations/${id}/items`, `/responses/${response.id}/input_items`]) {
    expect(await ask("GET", `${path}?${query}`)).toMatchObject({ status: 400, param });
  }
});

test("nobody sees, adds to, labels or deletes another account's conversation", async () => {
  const { id } = await client.conversations.create({ items: [{ ...say("Mine."), id: "mine" }] });
  const other = await openOther();
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => other.conversations.retrieve(id),
    async () => other.conversations.update(id, { metadata: { owner: "other" } }),
    async () => other.conversations.items.list(id),
    async () => other.conversations.items.create(id, { items: [say("Theirs.")] }),
    async () => other.conversations.items.retrieve("mine", { conversation_id: id }),
    async () => other.conversations.items.delete("mine", { conversation_id: id }),
    async () => other.conversations.delete(id),
    async () => other.responses.create({ ...REQUEST, conversation: id }),
    async () => other.conversations.create({ items: [{ type: "item_reference", id: "mine" }] }),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ status: 404 });
  expect(await listTexts(id)).toEqual(["Mine."]);
  expect((await client.conversations.retrieve(id)).metadata).toEqual({});
});

test("the input of a response is listed with ids, page by page, each item once", async () => {
  const input = [
    say("one"),
    { role: "assistant" as const, content: "two" },
    { ...say("three"), id: "own" },
    say("four"),
  ];
  const { id } = await client.responses.create({ ...REQUEST, input: input });
  const found: string[] = [];
  for await (const item of client.responses.inputItems.list(id, { limit: 1, order: "asc" })) {
    found.push(item.type === "message" ? JSON.stringify(item.content) : item.type);
    expect(found.length).toBeLessThan(5);
  }
  expect(found.map((content) => JSON.parse(content)[0].text)).toEqual(["one", "two", "three", "four"]);
  const newest = await client.responses.inputItems.list(id, { limit: 2 });
  expect(newest.data.map((item) => JSON.stringify(item).includes("four"))).toEqual([true, false]);
  expect(newest.data[1]?.id).toBe("own");
});

test("items that are sent twice are listed twice, and pages come to an end", async () => {
  const made = await client.responses.create(REQUEST);
  const reference = { type: "item_reference" as const, id: String(made.output[0]?.id) };
  const { id } = await client.responses.create({ ...REQUEST, input: [reference, reference, say("Go on.")] });
  const ids: string[] = [];
  for await (const item of client.responses.inputItems.list(id, { limit: 1, order: "asc" })) {
    ids.push(item.id);
    expect(ids.length).toBeLessThan(4);
  }
  expect(new Set(ids).size).toBe(3);
});

test("repeated references may not make a short request a long one", async () => {
  const { id } = await client.conversations.create({ items: [say("a ".repeat(150_000))] });
  const [item] = (await client.conversations.items.list(id)).data;
  const references = Array.from({ length: 6 }, () => ({ type: "item_reference" as const, id: String(item?.id) }));
  const refused = { status: 400, code: "invalid_value", param: "input[4]" };
  await expect(client.responses.create({ ...REQUEST, input: references })).rejects.toMatchObject(refused);
});

test("the input of a response is that of its own turn", async () => {
  const first = await client.responses.create(REQUEST);
  const { id } = await client.responses.create({ ...REQUEST, input: "Go on.", previous_response_id: first.id });
  const { data } = await client.responses.inputItems.list(id);
  expect(data).toMatchObject([{ type: "message", role: "user", content: [{ type: "input_text", text: "Go on." }] }]);
});

test("a deleted response is gone: not listed, not gone on from, its items not referred to", async () => {
  const { id, output } = await client.responses.create(REQUEST);
  const other = await openOther();
  await expect(other.responses.delete(id)).rejects.toMatchObject({ status: 404, param: "response_id" });
  await expect(other.responses.inputItems.list(id)).rejects.toMatchObject({ status: 404, param: "response_id" });
  expect((await ask("DELETE", `/responses/${id}`)).rest).toEqual({ id, object: "response", deleted: true });
  const calls: readonly (() => Promise<unknown>)[] = [
    async () => client.responses.delete(id),
    async () => client.responses.inputItems.list(id),
    async () => client.responses.create({ ...REQUEST, previous_response_id: id }),
    async () => client.responses.create({ ...REQUEST, input: [{ type: "item_reference", id: String(output[0]?.id) }] }),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ status: 404 });
});

test("a conversation grows up to the bytes of its account, and nothing of what is too much is added", async () => {
  const small = await startTestServer({ config: { responses: { accountBytesMax: 16_384 } } });
  onTestFinished(() => small.server.close());
  const other = new OpenAI({ baseURL: small.baseUrl, apiKey: small.keys.key, maxRetries: 0 });
  const { id } = await other.conversations.create({ items: [say("x".repeat(6000))] });
  await other.conversations.items.create(id, { items: [say("x".repeat(6000))] });
  const more = other.conversations.items.create(id, { items: [say("y"), say("x".repeat(6000))] });
  await expect(more).rejects.toMatchObject({ status: 400, code: "invalid_value", param: "items" });
  expect((await other.conversations.items.list(id)).data).toHaveLength(2);
  const whole = other.conversations.create({ items: [say("x".repeat(20_000))] });
  await expect(whole).rejects.toMatchObject({ status: 400, param: "items" });
  // A new one makes room: the oldest is evicted.
  await other.conversations.create({ items: [say("x".repeat(6000))] });
  await expect(other.conversations.retrieve(id)).rejects.toMatchObject({ status: 404 });
});

test("a store that fails is a 503", async () => {
  const stores = createMemoryStores();
  const broken = async () => Promise.reject(new Error("The disk is full."));
  const responses = {
    ...stores.responses,
    insertConversation: broken,
    findConversation: broken,
    removeResponse: broken,
  };
  const down = await startTestServer({ stores: { ...stores, responses } });
  onTestFinished(() => down.server.close());
  const other = new OpenAI({ baseURL: down.baseUrl, apiKey: down.keys.key, maxRetries: 0 });
  const refusal = { status: 503, code: "store_unavailable" };
  await expect(other.conversations.create()).rejects.toMatchObject(refusal);
  await expect(other.conversations.items.list("conv_1")).rejects.toMatchObject(refusal);
  await expect(other.responses.delete("resp_1")).rejects.toMatchObject(refusal);
});
