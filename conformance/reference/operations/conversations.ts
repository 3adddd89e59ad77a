/** Conversations of the reference server, which keeps them as long as the process lives. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { ReferenceCall } from "../call.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { decodeJson } from "./decode-body.ts";
import { encodeItems } from "./items.ts";
import { findKeptItem } from "./kept-responses.ts";
import type { Answer, AnswerContext, BodyReader, Decoded, Fields, ReferenceOperation } from "./operation.ts";
import { cutPage, decodePath, decodeQuery, encodePage, refusePage } from "./pages.ts";

interface KeptConversation {
  readonly conversation: JsonObject;
  readonly items: readonly JsonObject[];
}

/** By account and id. */
const kept = new Map<string, KeptConversation>();

function keyOf(account: string, id: unknown): string {
  return JSON.stringify([account, id]);
}

/** The items of a conversation; null where the account has no such conversation. */
export function listConversation(account: string, id: unknown): readonly JsonObject[] | null {
  return kept.get(keyOf(account, id))?.items ?? null;
}

/** Called with the turn of each response in a conversation. What is there already is left out. */
export function appendTurn(account: string, id: unknown, items: readonly JsonObject[]): void {
  const found = kept.get(keyOf(account, id));
  if (found === undefined) return;
  const known = new Set(found.items.map((item) => item["id"]));
  const added = items.filter((item) => !known.has(item["id"]));
  kept.set(keyOf(account, id), { ...found, items: [...found.items, ...added] });
}

export interface ConversationAnswer extends Answer {
  readonly body: JsonObject;
}

type Find = (found: KeptConversation, request: Fields, context: AnswerContext) => JsonObject | Refusal;

const SEGMENTS = ["", "conversation_id", "", "item_id"];
const ITEMS_MAX = 20;

const COMMON = { isBilled: false, validate: () => null, estimate: () => 0 } as const;

function decodePlace(call: ReferenceCall): Fields {
  return { ...decodeQuery(call), ...decodePath(call, SEGMENTS) };
}

function decodeBody(call: ReferenceCall, reader: BodyReader): Decoded {
  const decoded = decodeJson(call, reader);
  return "refusal" in decoded ? decoded : { fields: { ...decoded.fields, ...decodePlace(call) } };
}

/** What the operations on one conversation have in common. */
function define(
  answer: Find,
  rest: Partial<ReferenceOperation<ConversationAnswer>> = {},
): ReferenceOperation<ConversationAnswer> {
  return {
    ...COMMON,
    decode: (call) => ({ fields: decodePlace(call) }),
    answer(request, context) {
      const found = kept.get(keyOf(context.account, request["conversation_id"]));
      if (found === undefined) return makeRefusal("not_found", { param: "conversation_id" });
      const body = answer(found, request, context);
      return isRefused(body) ? body : { request, cost: 0, breaksAfter: null, body };
    },
    encode: ({ body }) => body,
    ...rest,
  };
}

function isRefused(value: JsonObject | Refusal): value is Refusal {
  return "status" in value && "headers" in value;
}

export const createConversation: ReferenceOperation<ConversationAnswer> = {
  ...COMMON,
  // It may have no body at all.
  decode: (call, reader) => (call.body?.length === 0 ? { fields: {} } : decodeBody(call, reader)),
  validate: (request) => refuseLabels(request) ?? refuseItems({ items: [], ...request }),
  answer(request, { account, number, created }) {
    const { metadata, items } = request;
    const id = `conv_reference_${number}`;
    const conversation = { id, object: "conversation", created_at: created, metadata: metadata ?? {} };
    const added = referItems(account, objectsOf(items));
    if (added === null) return makeRefusal("item_not_found", { param: "items" });
    kept.set(keyOf(account, id), { conversation, items: encodeItems(added, String(number)) });
    return { request, cost: 0, breaksAfter: null, body: conversation };
  },
  encode: ({ body }) => body,
};

export const getConversation = define(({ conversation }) => conversation);

export const updateConversation = define(
  (found, { conversation_id: id, metadata }, { account }) => {
    const conversation = { ...found.conversation, metadata: metadata ?? {} };
    kept.set(keyOf(account, id), { ...found, conversation });
    return conversation;
  },
  {
    decode: decodeBody,
    validate: (request) =>
      request["metadata"] === undefined
        ? makeRefusal("missing_parameter", { param: "metadata" })
        : refuseLabels(request),
  },
);

export const deleteConversation = define((_, { conversation_id: id }, { account }) => {
  kept.delete(keyOf(account, id));
  return { id, object: "conversation.deleted", deleted: true };
});

export const createConversationItems = define(
  (found, { conversation_id: id, items }, { account, number }) => {
    const resolved = referItems(account, objectsOf(items));
    if (resolved === null) return makeRefusal("item_not_found", { param: "items" });
    const added = encodeItems(resolved, String(number));
    const known = new Set(found.items.map((item) => item["id"]));
    if (added.some((item) => known.has(item["id"]))) return makeRefusal("invalid_value", { param: "items" });
    kept.set(keyOf(account, id), { ...found, items: [...found.items, ...added] });
    return encodePage({ data: added, hasMore: false });
  },
  {
    decode: decodeBody,
    validate: (request) =>
      request["items"] === undefined ? makeRefusal("missing_parameter", { param: "items" }) : refuseItems(request),
  },
);

export const listConversationItems = define(
  ({ items }, request) => {
    const page = cutPage(items, request, "desc");
    return "status" in page ? page : encodePage(page);
  },
  { validate: refusePage },
);

export const getConversationItem = define(
  ({ items }, { item_id: id }) =>
    items.find((item) => item["id"] === id) ?? makeRefusal("not_found", { param: "item_id" }),
);

export const deleteConversationItem = define((found, { conversation_id: id, item_id: itemId }, { account }) => {
  const items = found.items.filter((item) => item["id"] !== itemId);
  if (items.length === found.items.length) return makeRefusal("not_found", { param: "item_id" });
  kept.set(keyOf(account, id), { ...found, items });
  return found.conversation;
});

function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Null where one that is referred to is not there. */
function referItems(account: string, items: readonly JsonObject[]): readonly JsonObject[] | null {
  const resolved = items.map((item) => (item["type"] === "item_reference" ? findKeptItem(account, item["id"]) : item));
  return resolved.every((item) => item !== undefined) ? resolved : null;
}

const PAIRS_MAX = 16;
const KEY_LENGTH_MAX = 64;
const VALUE_LENGTH_MAX = 512;

function refuseLabels({ metadata }: Fields): Refusal | null {
  if (metadata === undefined || metadata === null) return null;
  if (!isJsonObject(metadata)) return makeRefusal("invalid_type", { param: "metadata" });
  const labels = Object.entries(metadata);
  const fits = ([key, value]: readonly [string, unknown]): boolean =>
    key.length <= KEY_LENGTH_MAX && typeof value === "string" && value.length <= VALUE_LENGTH_MAX;
  return labels.length <= PAIRS_MAX && labels.every(fits) ? null : makeRefusal("invalid_value", { param: "metadata" });
}

function refuseItems({ items }: Fields): Refusal | null {
  if (items === null) return null;
  if (!Array.isArray(items) || !items.every(isJsonObject)) return makeRefusal("invalid_type", { param: "items" });
  return items.length <= ITEMS_MAX ? null : makeRefusal("invalid_value", { param: "items" });
}
