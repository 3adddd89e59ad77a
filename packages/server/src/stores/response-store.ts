/**
 * Responses, conversations and stored chats as entries of a database: which entries each has, how they are encoded, and
 * by which ids their items are found.
 */

import { createWorkSlices, isRecord, mapInSlices } from "@openai-compat/core";
import type {
  PageRequest,
  ResponseStore,
  StoredChat,
  StoredItem,
  StoredResponse,
  WireObject,
} from "@openai-compat/core";
import { z } from "zod";
import type { ContentBox } from "./content-box.ts";
import { takePage } from "./entry-store.ts";
import type { Entry, EntryKey, EntryKind, EntryStore, NewEntry } from "./entry-store.ts";

/** As it was stored: its members are for others to read. */
const wireSchema = z.custom<WireObject>(isRecord);
const itemSchema = z.object({ id: z.string(), item: wireSchema });
const responseSchema = z.object({
  expiresAtMs: z.number(),
  conversationId: z.string().nullable(),
  response: wireSchema,
  input: z.array(itemSchema),
});
const conversationSchema = z.object({ metadata: wireSchema });
const chatSchema = z.object({ completion: wireSchema, messages: z.array(itemSchema) });

/** Stored chats that are looked at in one go for those that a filter takes. */
const FILTER_BATCH = 100;

export function createResponseStore(entries: EntryStore, box: ContentBox): ResponseStore {
  return {
    ...createResponses(entries, box),
    ...createConversations(entries, box),
    ...createChats(entries, box),
    removeExpired: (nowMs) => entries.removeExpired(nowMs),
    close: () => entries.close(),
  };
}

type Responses = "insertResponse" | "findResponse" | "findChain" | "findItems" | "removeResponse";

function createResponses(entries: EntryStore, box: ContentBox): Pick<ResponseStore, Responses> {
  const decode = (accountId: string, entry: Entry): StoredResponse => ({
    id: entry.id,
    accountId,
    createdAtMs: entry.createdAtMs,
    previousResponseId: entry.previousId,
    ...box.open(responseSchema, entry.content, keyOf(accountId, "response", entry.id)),
  });
  const listItemsOf = (accountId: string, entry: Entry): readonly StoredItem[] =>
    entry.kind === "response" ? listTurn(decode(accountId, entry)) : [decodeItem(box, accountId, entry)];
  return {
    async insertResponse(response, { bytesMax }) {
      const { id, accountId, createdAtMs, expiresAtMs, previousResponseId, conversationId } = response;
      const addition = { accountId, onTaken: "skip", use: { nowMs: createdAtMs, expiresAtMs, bytesMax } } as const;
      const entry = encodeResponse(box, response);
      const joins = findJoined(previousResponseId, conversationId);
      if (joins !== null) {
        const items = joins.kind === "conversation" ? listTurn(response) : [];
        const added = encodeItems(box, { accountId, conversationId: joins.id, createdAtMs }, items);
        const outcome = await entries.insert({ ...addition, chain: { joins }, entries: [entry, ...added] });
        if (outcome !== "absent") return requireNew(outcome);
      }
      return requireNew(await entries.insert({ ...addition, chain: { begins: id }, entries: [entry] }));
    },
    async findResponse(accountId, id) {
      const entry = await entries.find(keyOf(accountId, "response", id));
      return entry === null ? null : decode(accountId, entry);
    },
    async findChain(accountId, id) {
      const found = await entries.findChain(accountId, encodeId(id));
      if (found.at(-1)?.previousId !== null) return null;
      return mapInSlices(found.toReversed(), (entry) => decode(accountId, entry), createWorkSlices({}));
    },
    async findItems(accountId, ids) {
      const found = await entries.findByItems(accountId, ids.map(encodeId));
      const decoded = new Map([...new Set(found.values())].map((entry) => [entry, listItemsOf(accountId, entry)]));
      return new Map(
        ids.flatMap((id) => {
          const entry = found.get(encodeId(id));
          const items = entry === undefined ? [] : (decoded.get(entry) ?? []);
          const item = items.findLast((candidate) => candidate.id === id);
          return item === undefined ? [] : [[id, item]];
        }),
      );
    },
    removeResponse: (accountId, id) => entries.remove(keyOf(accountId, "response", id), "entry"),
  };
}

type Conversations =
  | "insertConversation"
  | "findConversation"
  | "updateConversation"
  | "removeConversation"
  | "appendItems"
  | "listItems"
  | "findItem"
  | "removeItem";

function createConversations(entries: EntryStore, box: ContentBox): Pick<ResponseStore, Conversations> {
  return {
    async insertConversation({ id, accountId, createdAtMs, metadata }, items, limits) {
      const key = keyOf(accountId, "conversation", id);
      const entry = makeEntry(key, { createdAtMs, content: box.seal({ metadata }, key) });
      const added = encodeItems(box, { accountId, conversationId: id, createdAtMs }, items);
      const use = { ...limits, nowMs: createdAtMs };
      const addition = { accountId, chain: { begins: id }, onTaken: "skip", use } as const;
      return requireNew(await entries.insert({ ...addition, entries: [entry, ...added] }));
    },
    async findConversation(accountId, id) {
      const key = keyOf(accountId, "conversation", id);
      const entry = await entries.find(key);
      if (entry === null) return null;
      return { id, accountId, createdAtMs: entry.createdAtMs, ...box.open(conversationSchema, entry.content, key) };
    },
    updateConversation({ id, accountId, metadata }, limits) {
      const key = keyOf(accountId, "conversation", id);
      return entries.replace(key, box.seal({ metadata }, key), limits);
    },
    removeConversation: (accountId, id) => entries.remove(keyOf(accountId, "conversation", id), "chain"),
    async appendItems({ id, accountId }, items, use) {
      if (new Set(items.map((item) => encodeId(item.id))).size < items.length) return "taken";
      const added = encodeItems(box, { accountId, conversationId: id, createdAtMs: use.nowMs }, items);
      const chain = { joins: { kind: "conversation", id: encodeId(id) } } as const;
      return entries.insert({ accountId, chain, entries: added, onTaken: "refuse", use });
    },
    async listItems(accountId, chainId, page) {
      const found = await entries.list({ ...encodePage(page), accountId, kind: "item", chainId: encodeId(chainId) });
      if (found === null) return "unknown_cursor";
      const { entries: listed, hasMore } = found;
      const data = await mapInSlices(listed, (entry) => decodeItem(box, accountId, entry), createWorkSlices({}));
      return { data, hasMore };
    },
    async findItem(accountId, chainId, id) {
      const entry = await entries.find(keyOfItem(accountId, chainId, id));
      return entry === null ? null : decodeItem(box, accountId, entry);
    },
    removeItem: (accountId, chainId, id) => entries.remove(keyOfItem(accountId, chainId, id), "entry"),
  };
}

/** With what it is stored as. */
interface FoundChat {
  readonly chat: StoredChat;
  readonly content: Uint8Array;
}

type Chats = "insertChat" | "findChat" | "listChats" | "updateChat" | "removeChat";

function createChats(entries: EntryStore, box: ContentBox): Pick<ResponseStore, Chats> {
  const seal = (key: EntryKey, { completion, messages }: StoredChat) => box.seal({ completion, messages }, key);
  const decode = (accountId: string, { id, createdAtMs, content }: Entry): StoredChat => {
    const opened = box.open(chatSchema, content, keyOf(accountId, "chat", id));
    return { id, accountId, createdAtMs, ...opened };
  };
  return {
    async insertChat(chat, limits) {
      const { id, accountId, createdAtMs } = chat;
      const key = keyOf(accountId, "chat", id);
      const entry = makeEntry(key, { createdAtMs, content: seal(key, chat) });
      const use = { ...limits, nowMs: createdAtMs };
      const addition = { accountId, chain: { begins: id }, onTaken: "refuse", use } as const;
      return requireNew(await entries.insert({ ...addition, entries: [entry] }));
    },
    async findChat(accountId, id) {
      const entry = await entries.find(keyOf(accountId, "chat", id));
      return entry === null ? null : decode(accountId, entry);
    },
    async listChats(accountId, { model, metadata, ...page }) {
      const batch = { ...encodePage(page), limit: FILTER_BATCH, accountId, kind: "chat", chainId: null } as const;
      const found: FoundChat[] = [];
      let { after } = batch;
      for (;;) {
        const listed = await entries.list({ ...batch, after });
        if (listed === null) return "unknown_cursor";
        for (const entry of listed.entries) {
          const chat = decode(accountId, entry);
          if (isMatch(chat.completion, { model, metadata })) found.push({ chat, content: entry.content });
        }
        after = listed.entries.at(-1)?.id ?? null;
        const { entries: taken, hasMore } = takePage(found, page);
        if (hasMore || !listed.hasMore) return { data: taken.map(({ chat }) => chat), hasMore };
      }
    },
    async updateChat(chat, limits) {
      const key = keyOf(chat.accountId, "chat", chat.id);
      return entries.replace(key, seal(key, chat), limits);
    },
    removeChat: (accountId, id) => entries.remove(keyOf(accountId, "chat", id), "entry"),
  };
}

function keyOf(accountId: string, kind: Exclude<EntryKind, "item">, id: string): EntryKey {
  return { accountId, kind, id: encodeId(id), chainId: null };
}

function keyOfItem(accountId: string, conversationId: string, id: string): EntryKey {
  return { accountId, kind: "item", id: encodeId(id), chainId: encodeId(conversationId) };
}

/** An id may be a caller's own, and no database takes every text: PostgreSQL has no null character. */
function encodeId(id: string): string {
  return id.toWellFormed().replaceAll("\0", "\uFFFD");
}

type EntryContent = Pick<NewEntry, "createdAtMs" | "content"> & Partial<Pick<NewEntry, "previousId" | "itemIds">>;

function makeEntry({ kind, id }: EntryKey, content: EntryContent): NewEntry {
  return { kind, id, previousId: null, itemIds: [], ...content };
}

function encodeResponse(box: ContentBox, stored: StoredResponse): NewEntry {
  const { id, accountId, createdAtMs, expiresAtMs, previousResponseId: previousId, conversationId } = stored;
  const { response, input } = stored;
  const key = keyOf(accountId, "response", id);
  const content = box.seal({ expiresAtMs, conversationId, response, input }, key);
  const itemIds = [...new Set(listTurn(stored).map((item) => encodeId(item.id)))];
  return makeEntry(key, { createdAtMs, content, previousId, itemIds });
}

/** Each id once: the first with it counts. */
function encodeItems(
  box: ContentBox,
  place: { readonly accountId: string; readonly conversationId: string; readonly createdAtMs: number },
  items: readonly StoredItem[],
): readonly NewEntry[] {
  const { accountId, conversationId, createdAtMs } = place;
  const seen = new Set<string>();
  const each = items.filter(({ id }) => seen.size < seen.add(encodeId(id)).size);
  return each.map((item) => {
    const key = keyOfItem(accountId, conversationId, item.id);
    return makeEntry(key, { createdAtMs, content: box.seal(item, key), itemIds: [key.id] });
  });
}

function decodeItem(box: ContentBox, accountId: string, { id, chainId, content }: Entry): StoredItem {
  return box.open(itemSchema, content, keyOfItem(accountId, chainId, id));
}

/** What a response goes on from. */
function findJoined(previousResponseId: string | null, conversationId: string | null) {
  if (previousResponseId !== null) return { kind: "response", id: encodeId(previousResponseId) } as const;
  return conversationId === null ? null : ({ kind: "conversation", id: encodeId(conversationId) } as const);
}

/** Input and output. A reference is none: it only names an item that is stored elsewhere. */
function listTurn({ input, response: { output } }: StoredResponse): readonly StoredItem[] {
  const said = (Array.isArray(output) ? output : []).flatMap((item: unknown) =>
    isRecord(item) && typeof item["id"] === "string" ? [{ id: item["id"], item }] : [],
  );
  return [...input, ...said].filter(({ item }) => item["type"] !== "item_reference");
}

/** @throws Error for what only a mistake of this program leads to */
function requireNew(outcome: Awaited<ReturnType<EntryStore["insert"]>>): "stored" | "full" {
  if (outcome === "stored" || outcome === "full") return outcome;
  throw new Error(`The entry was not stored: ${outcome}.`);
}

function encodePage<Request extends PageRequest>(page: Request): Request {
  return { ...page, after: page.after === null ? null : encodeId(page.after) };
}

function isMatch(
  completion: Readonly<Record<string, unknown>>,
  filter: { readonly model: string | null; readonly metadata: Readonly<Record<string, string>> },
): boolean {
  if (filter.model !== null && completion["model"] !== filter.model) return false;
  const metadata = isRecord(completion["metadata"]) ? completion["metadata"] : {};
  return Object.entries(filter.metadata).every(([name, value]) => metadata[name] === value);
}
