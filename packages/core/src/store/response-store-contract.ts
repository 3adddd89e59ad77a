/** The suite that every `ResponseStore` passes. Import it from a test file only. */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import { responseStoreProperties } from "./response-store-properties-contract.ts";
import type { ResponseStore, StoredChat, StoredItem, StoredResponse } from "./response-store.ts";

const AMPLE = { bytesMax: 64 * 1024 * 1024 };
const USE = { nowMs: 1, expiresAtMs: 1000, ...AMPLE };
const FIRST_PAGE = { after: null, limit: 100, order: "asc" } as const;

/** @param makeStore opens an empty store of its own each time. */
export function responseStoreContract(name: string, makeStore: () => ResponseStore | Promise<ResponseStore>): void {
  const open = openForEachTest(makeStore);
  responsesContract(name, open);
  itemsContract(name, open);
  conversationsContract(name, open);
  chatsContract(name, open);
  accountsContract(name, open);
  limitsContract(name, open);
  responseStoreProperties(name, open);
}

type Open = () => Promise<ResponseStore>;

function responsesContract(name: string, open: Open): void {
  test(`${name} gives responses back as they were stored`, async () => {
    const store = await open();
    const first = makeResponse("resp_1", { input: [makeItem("msg_1", "ü\0 \u{1F600} \uD800")] });
    const second = makeResponse("resp_2", { previousResponseId: "resp_1", createdAtMs: 2 });
    for (const response of [first, second]) expect(await store.insertResponse(response, AMPLE)).toBe("stored");
    expect(await store.findResponse("ada", "resp_1")).toEqual(first);
    expect(await store.findResponse("ada", "resp_2")).toEqual(second);
    expect(await store.findResponse("ada", "resp_3")).toBeNull();
    await expect(store.insertResponse(first, AMPLE)).rejects.toThrow();
  });

  test(`${name} gives a chain back, the oldest first, and each fork its own`, async () => {
    const store = await open();
    const responses = [
      makeResponse("resp_1"),
      makeResponse("resp_2", { previousResponseId: "resp_1" }),
      makeResponse("resp_3", { previousResponseId: "resp_2" }),
      makeResponse("resp_fork", { previousResponseId: "resp_1" }),
    ];
    for (const response of responses) await store.insertResponse(response, AMPLE);
    const chainOf = async (id: string) => (await store.findChain("ada", id))?.map((response) => response.id);
    expect(await store.findChain("ada", "resp_3")).toEqual(responses.slice(0, 3));
    expect(await chainOf("resp_fork")).toEqual(["resp_1", "resp_fork"]);
    expect(await chainOf("resp_4")).toBeUndefined();
    expect(await store.removeResponse("ada", "resp_2")).toBe(true);
    expect(await chainOf("resp_3")).toBeUndefined();
    expect(await chainOf("resp_fork")).toEqual(["resp_1", "resp_fork"]);
    expect(await store.findResponse("ada", "resp_3")).toEqual(responses[2]);
  });

  test(`${name} begins a chain where the previous response or the conversation has gone`, async () => {
    const store = await open();
    const late = makeResponse("resp_2", { previousResponseId: "resp_1" });
    const homeless = makeResponse("resp_3", { conversationId: "conv_1", input: [makeItem("msg_1")] });
    for (const response of [late, homeless]) expect(await store.insertResponse(response, AMPLE)).toBe("stored");
    expect(await store.findResponse("ada", "resp_2")).toEqual(late);
    expect(await store.findChain("ada", "resp_2")).toBeNull();
    expect(await store.findResponse("ada", "resp_3")).toEqual(homeless);
    expect(await store.listItems("ada", "conv_1", FIRST_PAGE)).toEqual({ data: [], hasMore: false });
  });

  test(`${name} lets two accounts have the same ids`, async () => {
    const store = await open();
    const [ada, bob] = ["ada", "bob"].map((accountId) => makeResponse("resp_1", { accountId }, [makeItem("msg_1")]));
    for (const response of [ada, bob]) if (response !== undefined) await store.insertResponse(response, AMPLE);
    expect(await store.removeResponse("ada", "resp_1")).toBe(true);
    expect(await store.findResponse("bob", "resp_1")).toEqual(bob);
    expect((await store.findItems("bob", ["msg_1"])).size).toBe(1);
  });
}

function itemsContract(name: string, open: Open): void {
  test(`${name} finds items of inputs, outputs and conversations by their ids, the newest of each`, async () => {
    const store = await open();
    const older = makeResponse("resp_1", { input: [makeItem("msg_in", "before")] }, [makeItem("msg_out")]);
    const reference = { id: "msg_out", item: { type: "item_reference", id: "msg_out" } };
    const newer = makeResponse("resp_2", { input: [makeItem("msg_in", "after"), reference] });
    for (const response of [older, newer]) await store.insertResponse(response, AMPLE);
    await store.insertConversation(makeConversation("conv_1"), [makeItem("msg_conv")], USE);
    const found = await store.findItems("ada", ["msg_in", "msg_out", "msg_conv", "msg_none"]);
    expect(Object.fromEntries(found)).toEqual({
      msg_in: makeItem("msg_in", "after"),
      msg_out: makeItem("msg_out"),
      msg_conv: makeItem("msg_conv"),
    });
    await store.removeResponse("ada", "resp_2");
    expect((await store.findItems("ada", ["msg_in"])).get("msg_in")).toEqual(makeItem("msg_in", "before"));
    await store.removeResponse("ada", "resp_1");
    expect((await store.findItems("ada", ["msg_in", "msg_out"])).size).toBe(0);
  });

  test(`${name} appends the turn of a response to its conversation, but no item twice`, async () => {
    const store = await open();
    await store.insertConversation(makeConversation("conv_1"), [makeItem("msg_1")], USE);
    const input = [makeItem("msg_1", "again"), makeItem("msg_2"), makeItem("msg_2", "again")];
    const response = makeResponse("resp_1", { conversationId: "conv_1", input }, [makeItem("msg_3")]);
    expect(await store.insertResponse(response, AMPLE)).toBe("stored");
    const items = ["msg_1", "msg_2", "msg_3"].map((id) => makeItem(id));
    expect(await store.listItems("ada", "conv_1", FIRST_PAGE)).toEqual({ data: items, hasMore: false });
    await store.removeResponse("ada", "resp_1");
    expect(await store.listItems("ada", "conv_1", FIRST_PAGE)).toEqual({ data: items, hasMore: false });
  });

  test(`${name} takes any text for an id`, async () => {
    const store = await open();
    const [odd, half] = ["a\0b", "a\uD800b"];
    for (const id of [odd, half]) {
      expect(await store.findResponse("ada", id)).toBeNull();
      expect(await store.findChain("ada", id)).toBeNull();
      expect(await store.findConversation("ada", id)).toBeNull();
      expect(await store.findChat("ada", id)).toBeNull();
      const items = [makeItem(id)];
      expect(await store.insertConversation(makeConversation(`conv_${id.length}${id.charCodeAt(1)}`), items, USE)).toBe(
        "stored",
      );
      expect((await store.findItems("ada", [id, "none"])).get(id)).toEqual(makeItem(id));
    }
    expect(await store.findItem("ada", "conv_30", odd)).toEqual(makeItem(odd));
    expect(await store.listItems("ada", "conv_30", { ...FIRST_PAGE, after: odd })).toEqual({
      data: [],
      hasMore: false,
    });
    expect(await store.removeItem("ada", "conv_30", odd)).toBe(true);
  });
}

function conversationsContract(name: string, open: Open): void {
  test(`${name} keeps, changes and removes a conversation with its items and responses`, async () => {
    const store = await open();
    const conversation = makeConversation("conv_1");
    expect(await store.insertConversation(conversation, [], USE)).toBe("stored");
    expect(await store.findConversation("ada", "conv_1")).toEqual(conversation);
    const changed = { ...conversation, metadata: { topic: "tea" } };
    expect(await store.updateConversation({ ...changed, createdAtMs: 99 }, AMPLE)).toBe("stored");
    expect(await store.findConversation("ada", "conv_1")).toEqual(changed);
    expect(await store.appendItems(conversation, [makeItem("msg_1")], USE)).toBe("stored");
    await store.insertResponse(makeResponse("resp_1", { conversationId: "conv_1" }, [makeItem("msg_2")]), AMPLE);
    expect(await store.removeConversation("ada", "conv_1")).toBe(true);
    expect(await store.findConversation("ada", "conv_1")).toBeNull();
    expect(await store.listItems("ada", "conv_1", FIRST_PAGE)).toEqual({ data: [], hasMore: false });
    expect(await store.findResponse("ada", "resp_1")).toBeNull();
    expect((await store.findItems("ada", ["msg_1", "msg_2"])).size).toBe(0);
    expect(await store.removeConversation("ada", "conv_1")).toBe(false);
    expect(await store.updateConversation(changed, AMPLE)).toBe("absent");
    expect(await store.appendItems(conversation, [makeItem("msg_3")], USE)).toBe("absent");
  });

  test(`${name} finds and removes an item of a conversation, and refuses a second one with its id`, async () => {
    const store = await open();
    const conversation = makeConversation("conv_1");
    await store.insertConversation(conversation, [makeItem("msg_1"), makeItem("msg_2")], USE);
    await store.insertConversation(makeConversation("conv_2"), [makeItem("msg_1", "elsewhere")], USE);
    expect(await store.appendItems(conversation, [makeItem("msg_3"), makeItem("msg_2")], USE)).toBe("taken");
    expect(await store.appendItems(conversation, [makeItem("msg_3"), makeItem("msg_3")], USE)).toBe("taken");
    expect(await store.findItem("ada", "conv_1", "msg_1")).toEqual(makeItem("msg_1"));
    expect(await store.findItem("ada", "conv_1", "msg_3")).toBeNull();
    expect(await store.removeItem("ada", "conv_1", "msg_1")).toBe(true);
    expect(await store.removeItem("ada", "conv_1", "msg_1")).toBe(false);
    expect(await store.findItem("ada", "conv_1", "msg_1")).toBeNull();
    expect(await store.findItem("ada", "conv_2", "msg_1")).toEqual(makeItem("msg_1", "elsewhere"));
  });

  test(`${name} pages through items in both directions`, async () => {
    const store = await open();
    const items = ["1", "2", "3", "4", "5"].map((id) => makeItem(id));
    await store.insertConversation(makeConversation("conv_1"), items.slice(0, 2), USE);
    await store.appendItems(makeConversation("conv_1"), items.slice(2), USE);
    const list = async (after: string | null, limit: number, order: "asc" | "desc") => {
      const page = await store.listItems("ada", "conv_1", { after, limit, order });
      return page === "unknown_cursor" ? page : { ids: page.data.map(({ id }) => id).join(""), more: page.hasMore };
    };
    expect(await list(null, 2, "asc")).toEqual({ ids: "12", more: true });
    expect(await list("2", 3, "asc")).toEqual({ ids: "345", more: false });
    expect(await list("5", 3, "asc")).toEqual({ ids: "", more: false });
    expect(await list(null, 4, "desc")).toEqual({ ids: "5432", more: true });
    expect(await list("2", 4, "desc")).toEqual({ ids: "1", more: false });
    expect(await list("6", 4, "desc")).toBe("unknown_cursor");
  });

  test(`${name} ends a page of items before it has too many bytes, and never before its first one`, async () => {
    const store = await open();
    const items = ["1", "2", "3", "4", "5"].map((id) => makeItem(id, "x".repeat(id === "4" ? 50_000 : 10_000)));
    await store.insertConversation(makeConversation("conv_1"), items, USE);
    const list = async (after: string | null, order: "asc" | "desc", limit = 4) => {
      const page = await store.listItems("ada", "conv_1", { after, limit, order, bytesMax: 25_000 });
      return page === "unknown_cursor" ? page : { ids: page.data.map(({ id }) => id).join(""), more: page.hasMore };
    };
    expect(await list(null, "asc")).toEqual({ ids: "12", more: true });
    expect(await list(null, "asc", 1)).toEqual({ ids: "1", more: true });
    expect(await list("2", "asc")).toEqual({ ids: "3", more: true });
    expect(await list("3", "asc")).toEqual({ ids: "4", more: true });
    expect(await list("4", "asc")).toEqual({ ids: "5", more: false });
    expect(await list("5", "asc")).toEqual({ ids: "", more: false });
    expect(await list(null, "desc")).toEqual({ ids: "5", more: true });
    expect(await list("3", "desc")).toEqual({ ids: "21", more: false });
  });
}

function chatsContract(name: string, open: Open): void {
  test(`${name} keeps, filters, changes and removes stored chats`, async () => {
    const store = await open();
    const tea = makeChat("chat_1", { model: "small", metadata: { topic: "tea", tone: "dry" } });
    const chats = [tea, makeChat("chat_2", { model: "large" }), makeChat("chat_3", { model: "small", metadata: null })];
    for (const chat of chats) expect(await store.insertChat(chat, USE)).toBe("stored");
    await expect(store.insertChat(tea, USE)).rejects.toThrow();
    expect(await store.findChat("ada", "chat_1")).toEqual(tea);
    const list = async (filter: { model?: string; metadata?: Record<string, string> } = {}) => {
      const page = await store.listChats("ada", { ...FIRST_PAGE, model: null, metadata: {}, ...filter });
      return page === "unknown_cursor" ? page : page.data.map(({ id }) => id);
    };
    expect(await list()).toEqual(["chat_1", "chat_2", "chat_3"]);
    expect(await list({ model: "small" })).toEqual(["chat_1", "chat_3"]);
    expect(await list({ model: "small", metadata: { topic: "tea" } })).toEqual(["chat_1"]);
    expect(await list({ metadata: { topic: "tea", tone: "wet" } })).toEqual([]);
    const changed = makeChat("chat_1", { model: "small", metadata: { topic: "milk" } });
    expect(await store.updateChat(changed, AMPLE)).toBe("stored");
    expect(await store.findChat("ada", "chat_1")).toEqual(changed);
    expect(await list({ metadata: { topic: "tea" } })).toEqual([]);
    expect(await store.removeChat("ada", "chat_1")).toBe(true);
    expect(await store.removeChat("ada", "chat_1")).toBe(false);
    expect(await store.updateChat(changed, AMPLE)).toBe("absent");
    expect(await list()).toEqual(["chat_2", "chat_3"]);
  });

  test(`${name} fills the pages of a filter with chats that lie far apart`, async () => {
    const store = await open();
    for (let number = 0; number < 230; number += 1) {
      await store.insertChat(makeChat(`chat_${number}`, { model: number % 100 === 5 ? "rare" : "common" }), USE);
    }
    const list = (after: string | null) =>
      store.listChats("ada", { after, limit: 2, order: "asc", model: "rare", metadata: {} });
    expect(await list(null)).toMatchObject({ data: [{ id: "chat_5" }, { id: "chat_105" }], hasMore: true });
    expect(await list("chat_105")).toMatchObject({ data: [{ id: "chat_205" }], hasMore: false });
    expect(await list("chat_900")).toBe("unknown_cursor");
  });

  test(`${name} ends a page of chats before those that a filter takes have too many bytes`, async () => {
    const store = await open();
    for (let number = 0; number < 8; number += 1) {
      const text = "x".repeat(10_000);
      await store.insertChat(makeChat(`chat_${number}`, { model: number % 2 === 1 ? "odd" : "even", text }), USE);
    }
    const list = async (after: string | null) => {
      const bounds = { after, limit: 4, bytesMax: 25_000, order: "asc" } as const;
      const page = await store.listChats("ada", { ...bounds, model: "odd", metadata: {} });
      return page === "unknown_cursor" ? page : [page.data.map(({ id }) => id), page.hasMore];
    };
    expect(await list(null)).toEqual([["chat_1", "chat_3"], true]);
    expect(await list("chat_3")).toEqual([["chat_5", "chat_7"], false]);
  });
}

function accountsContract(name: string, open: Open): void {
  test(`${name} shows, changes and removes nothing for another account`, async () => {
    const store = await open();
    await store.insertResponse(makeResponse("resp_1", {}, [makeItem("msg_1")]), AMPLE);
    await store.insertConversation(makeConversation("conv_1"), [makeItem("msg_2")], USE);
    await store.insertChat(makeChat("chat_1"), USE);
    expect(await store.findResponse("bob", "resp_1")).toBeNull();
    expect(await store.findChain("bob", "resp_1")).toBeNull();
    expect((await store.findItems("bob", ["msg_1", "msg_2"])).size).toBe(0);
    expect(await store.findConversation("bob", "conv_1")).toBeNull();
    expect(await store.listItems("bob", "conv_1", FIRST_PAGE)).toEqual({ data: [], hasMore: false });
    expect(await store.findItem("bob", "conv_1", "msg_2")).toBeNull();
    expect(await store.findChat("bob", "chat_1")).toBeNull();
    const chats = await store.listChats("bob", { ...FIRST_PAGE, model: null, metadata: {} });
    expect(chats).toEqual({ data: [], hasMore: false });
    const conversation = { ...makeConversation("conv_1"), accountId: "bob" };
    expect(await store.updateConversation(conversation, AMPLE)).toBe("absent");
    expect(await store.appendItems(conversation, [makeItem("msg_3")], USE)).toBe("absent");
    expect(await store.updateChat({ ...makeChat("chat_1"), accountId: "bob" }, AMPLE)).toBe("absent");
    expect(await store.removeResponse("bob", "resp_1")).toBe(false);
    expect(await store.removeItem("bob", "conv_1", "msg_2")).toBe(false);
    expect(await store.removeConversation("bob", "conv_1")).toBe(false);
    expect(await store.removeChat("bob", "chat_1")).toBe(false);
    const foreign = makeResponse("resp_2", { accountId: "bob", previousResponseId: "resp_1" });
    expect(await store.insertResponse(foreign, AMPLE)).toBe("stored");
    expect(await store.findChain("bob", "resp_2")).toBeNull();
    expect(await store.findChain("ada", "resp_1")).toHaveLength(1);
  });

  test(`${name} removes chains that have expired, each as long as its last use keeps it`, async () => {
    const store = await open();
    await store.insertResponse(makeResponse("resp_1", { expiresAtMs: 10 }), AMPLE);
    await store.insertResponse(makeResponse("resp_2", { expiresAtMs: 20, previousResponseId: "resp_1" }), AMPLE);
    await store.insertConversation(makeConversation("conv_1"), [], { ...AMPLE, expiresAtMs: 10 });
    await store.insertChat(makeChat("chat_1"), { ...AMPLE, expiresAtMs: 11 });
    expect(await store.removeExpired(9)).toBe(0);
    expect(await store.removeExpired(10)).toBe(1);
    expect(await store.findConversation("ada", "conv_1")).toBeNull();
    expect(await store.findChain("ada", "resp_2")).toHaveLength(2);
    expect(await store.findChat("ada", "chat_1")).not.toBeNull();
    expect(await store.removeExpired(20)).toBe(2);
    expect(await store.findResponse("ada", "resp_1")).toBeNull();
    expect(await store.removeExpired(20)).toBe(0);
  });
}

function limitsContract(name: string, open: Open): void {
  test(`${name} evicts whole chains of the account, the least recently used first`, async () => {
    const store = await open();
    const limits = { bytesMax: 45_000 };
    const insert = (id: string, createdAtMs: number, previousResponseId: string | null = null) =>
      store.insertResponse(makeLarge(id, { createdAtMs, previousResponseId }), limits);
    await store.insertResponse(makeLarge("resp_bob", { accountId: "bob" }), limits);
    await insert("resp_a", 1);
    await insert("resp_b", 2);
    await insert("resp_a2", 3, "resp_a");
    expect(await insert("resp_c", 4)).toBe("stored");
    expect(await store.findResponse("ada", "resp_b")).toBeNull();
    expect(await store.findChain("ada", "resp_a2")).toHaveLength(2);
    expect(await insert("resp_d", 5)).toBe("stored");
    expect(await store.findResponse("ada", "resp_a")).toBeNull();
    expect(await store.findResponse("ada", "resp_a2")).toBeNull();
    expect(await store.findResponse("ada", "resp_c")).not.toBeNull();
    expect(await store.findResponse("bob", "resp_bob")).not.toBeNull();
  });

  test(`${name} stores nothing in a chain that would exceed the limit alone, and evicts nothing for it`, async () => {
    const store = await open();
    const limits = { bytesMax: 30_000 };
    const large = (id: string, previousResponseId: string | null) =>
      store.insertResponse(makeLarge(id, { previousResponseId, createdAtMs: 2 }), limits);
    await store.insertResponse(makeResponse("resp_other"), limits);
    expect(await large("resp_1", null)).toBe("stored");
    expect(await large("resp_2", "resp_1")).toBe("stored");
    expect(await large("resp_3", "resp_2")).toBe("full");
    expect(await store.findResponse("ada", "resp_3")).toBeNull();
    expect(await store.findChain("ada", "resp_2")).toHaveLength(2);
    expect(await store.findResponse("ada", "resp_other")).not.toBeNull();
    const conversation = makeConversation("conv_1");
    const text = "x".repeat(31_000);
    expect(await store.insertConversation(conversation, [makeItem("msg_1", text)], { ...USE, ...limits })).toBe("full");
    expect(await store.findConversation("ada", "conv_1")).toBeNull();
    await store.insertConversation(conversation, [], { ...USE, ...limits });
    expect(await store.appendItems(conversation, [makeItem("msg_1", text)], { ...USE, ...limits })).toBe("full");
    expect(await store.updateConversation({ ...conversation, metadata: { text } }, limits)).toBe("full");
    expect(await store.findConversation("ada", "conv_1")).toEqual(conversation);
  });

  test(`${name} makes room for what a change adds`, async () => {
    const store = await open();
    const limits = { bytesMax: 30_000 };
    await store.insertResponse(makeLarge("resp_1"), limits);
    await store.insertChat(makeChat("chat_1"), { ...USE, ...limits });
    const longer = makeChat("chat_1", { metadata: { text: "x".repeat(20_000) } });
    expect(await store.updateChat(longer, limits)).toBe("stored");
    expect(await store.findChat("ada", "chat_1")).toEqual(longer);
    expect(await store.findResponse("ada", "resp_1")).toBeNull();
    expect(await store.updateChat(makeChat("chat_1"), limits)).toBe("stored");
    expect(await store.insertResponse(makeLarge("resp_2"), limits)).toBe("stored");
    expect(await store.findChat("ada", "chat_1")).toEqual(makeChat("chat_1"));
  });
}

function makeItem(id: string, text = "hello"): StoredItem {
  return { id, item: { id, type: "message", role: "user", content: [{ type: "input_text", text }] } };
}

function makeResponse(
  id: string,
  overrides: Partial<StoredResponse> = {},
  output: readonly StoredItem[] = [],
): StoredResponse {
  return {
    id,
    accountId: "ada",
    createdAtMs: 1,
    expiresAtMs: 1000,
    previousResponseId: null,
    conversationId: null,
    response: { id, object: "response", output: output.map(({ item }) => item) },
    input: [],
    ...overrides,
  };
}

/** Two of them fit into 30,000 bytes, and a small one beside them. */
function makeLarge(id: string, overrides: Partial<StoredResponse> = {}): StoredResponse {
  return makeResponse(id, { ...overrides, input: [makeItem(`msg_${id}`, "x".repeat(12_000))] });
}

function makeConversation(id: string) {
  return { id, accountId: "ada", createdAtMs: 1, metadata: {} };
}

function makeChat(id: string, completion: Readonly<Record<string, unknown>> = {}): StoredChat {
  return {
    id,
    accountId: "ada",
    createdAtMs: 1,
    completion: { id, object: "chat.completion", ...completion },
    messages: [{ id: `${id}-0`, item: { role: "user", content: "hello" } }],
  };
}
