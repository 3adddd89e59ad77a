import type { ResponseStore, StoredResponse } from "@openai-compat/core";
import { expect, test } from "vitest";
import { createContentBox } from "../../../stores/content-box.ts";
import { createMemoryEntries } from "../../../stores/memory-entries.ts";
import { createResponseStore } from "../../../stores/response-store.ts";
import { decodeResponseBody } from "./decode.ts";
import { resolveState } from "./resolve-state.ts";

const LIMITS = { bytesMax: 64 * 1024 * 1024, expiresAtMs: 1000 };
const message = (id: string, text: string) => ({
  id,
  item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] },
});

function openStore(): ResponseStore {
  return createResponseStore(createMemoryEntries(), createContentBox(null));
}

function makeResponse(id: string, fields: Partial<StoredResponse> = {}): StoredResponse {
  const answer = { id: `msg_${id}`, type: "message", role: "assistant", status: "completed", content: [] };
  return {
    id,
    accountId: "ada",
    createdAtMs: 1,
    expiresAtMs: LIMITS.expiresAtMs,
    previousResponseId: null,
    conversationId: null,
    response: { id, output: [answer] },
    input: [message(`in_${id}`, `asked ${id}`)],
    ...fields,
  };
}

const resolve = async (store: ResponseStore, body: object, accountId = "ada") =>
  resolveState(store, accountId, decodeResponseBody({ model: "scripted", ...body }));

const idsOf = ({ items }: Awaited<ReturnType<typeof resolve>>) => items.map(({ item }) => item.id ?? null);

test("a request that goes on from nothing has its own items alone, each stored with an id", async () => {
  const state = await resolve(openStore(), { input: "Hello." });
  expect(state.items).toEqual([{ item: { role: "user", content: "Hello." }, param: "input" }]);
  expect(state.input).toMatchObject([{ item: { type: "message", content: [{ type: "input_text", text: "Hello." }] } }]);
  expect([state.previousResponseId, state.conversationId]).toEqual([null, null]);
});

test("all turns before come first, the oldest of them first, and are not stored again", async () => {
  const store = openStore();
  await store.insertResponse(makeResponse("resp_1"), LIMITS);
  await store.insertResponse(makeResponse("resp_2", { previousResponseId: "resp_1" }), LIMITS);
  const input = [{ id: "own", role: "user", content: "Go on." }];
  const state = await resolve(store, { input, previous_response_id: "resp_2" });
  expect(idsOf(state)).toEqual(["in_resp_1", "msg_resp_1", "in_resp_2", "msg_resp_2", "own"]);
  expect(state.items.map(({ param }) => param)).toEqual([
    ...Array.from({ length: 4 }, () => "previous_response_id"),
    "input[0]",
  ]);
  expect(state.input.map(({ id }) => id)).toEqual(["own"]);
  expect(state.previousResponseId).toBe("resp_2");
});

test("a response that goes on from another one needs no input of its own", async () => {
  const store = openStore();
  await store.insertResponse(makeResponse("resp_1"), LIMITS);
  for (const input of [undefined, null, []]) {
    expect(idsOf(await resolve(store, { input, previous_response_id: "resp_1" }))).toHaveLength(2);
    await expect(resolve(store, { input })).rejects.toMatchObject({
      code: "missing_required_parameter",
      param: "input",
    });
  }
});

test("a conversation is read as a whole, however many pages it has", async () => {
  const store = openStore();
  const items = Array.from({ length: 2050 }, (_, index) => message(`item_${index}`, String(index)));
  const conversation = { id: "conv_1", accountId: "ada", createdAtMs: 1, metadata: {} };
  await store.insertConversation(conversation, items, LIMITS);
  for (const named of ["conv_1", { id: "conv_1" }]) {
    const state = await resolve(store, { input: "Go on.", conversation: named });
    expect(idsOf(state)).toEqual([...items.map(({ id }) => id), null]);
    expect(state.conversationId).toBe("conv_1");
  }
});

test("a reference stands for what it names, in its place", async () => {
  const store = openStore();
  await store.insertResponse(makeResponse("resp_1"), LIMITS);
  const input = [
    { type: "item_reference", id: "msg_resp_1" },
    { id: "in_resp_1" },
    { role: "user", content: "Go on." },
  ];
  const state = await resolve(store, { input });
  expect(idsOf(state)).toEqual(["msg_resp_1", "in_resp_1", null]);
  expect(state.items[0]?.item).toMatchObject({ type: "message", role: "assistant" });
  expect(state.input[0]).toMatchObject({ id: "msg_resp_1", item: { role: "assistant" } });
});

test.each([
  [{ previous_response_id: "resp_none" }, "previous_response_not_found", "previous_response_id"],
  [{ conversation: "conv_none" }, "not_found", "conversation"],
  [{ input: [{ type: "item_reference", id: "msg_none" }] }, "not_found", "input[0].id"],
])("what is not there is refused by name: %j", async (fields, code, param) => {
  await expect(resolve(openStore(), { input: "Go on.", ...fields })).rejects.toMatchObject({ code, param });
});

test("a turn whose earlier turn is deleted can't be gone on from", async () => {
  const store = openStore();
  await store.insertResponse(makeResponse("resp_1"), LIMITS);
  await store.insertResponse(makeResponse("resp_2", { previousResponseId: "resp_1" }), LIMITS);
  await store.removeResponse("ada", "resp_1");
  const call = resolve(store, { input: "Go on.", previous_response_id: "resp_2" });
  await expect(call).rejects.toMatchObject({ code: "previous_response_not_found" });
});

test("nothing of another account is gone on from or referred to", async () => {
  const store = openStore();
  await store.insertResponse(makeResponse("resp_1"), LIMITS);
  const conversation = { id: "conv_1", accountId: "ada", createdAtMs: 1, metadata: {} };
  await store.insertConversation(conversation, [message("item_1", "Mine.")], LIMITS);
  for (const fields of [
    { previous_response_id: "resp_1" },
    { conversation: "conv_1" },
    { input: [{ type: "item_reference", id: "msg_resp_1" }] },
    { input: [{ type: "item_reference", id: "item_1" }] },
  ]) {
    await resolve(store, { input: "Go on.", ...fields });
    await expect(resolve(store, { input: "Go on.", ...fields }, "bob")).rejects.toThrow("not found");
  }
});

test("an id of an item that no database finds is refused", async () => {
  const input = [{ id: "i".repeat(513), role: "user", content: "Hello." }];
  await expect(resolve(openStore(), { input })).rejects.toMatchObject({ code: "invalid_value", param: "input[0].id" });
  expect(idsOf(await resolve(openStore(), { input: [{ ...input[0], id: "i".repeat(512) }] }))).toHaveLength(1);
});
