/** Stored chat completions of the reference server, which keeps them as long as the process lives. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { decodeJson } from "./decode-body.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";
import { cutPage, decodePath, decodeQuery, encodePage, type ReferencePage, refusePage } from "./pages.ts";

interface StoredChat {
  readonly completion: JsonObject;
  readonly messages: readonly JsonObject[];
}

/** By account and id, the oldest first. */
const stored = new Map<string, StoredChat>();

function keyOf(account: string, id: unknown): string {
  return JSON.stringify([account, id]);
}

/** Called with each chat that is to be stored. */
export function keepChat(account: string, request: Fields, completion: object & { readonly id: string }): void {
  const { metadata = {}, messages } = request;
  const sent = Array.isArray(messages) ? messages.filter(isJsonObject) : [];
  stored.set(keyOf(account, completion.id), {
    completion: { ...completion, metadata },
    messages: sent.map((message, index) => ({ ...encodeMessage(message), id: `${completion.id}-${index}` })),
  });
}

function encodeMessage(message: JsonObject): JsonObject {
  const { content = null } = message;
  if (!Array.isArray(content)) return { ...message, name: message["name"] ?? null, content_parts: null };
  const texts = content.filter(isJsonObject).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
  return { ...message, content: texts.join(""), name: message["name"] ?? null, content_parts: content };
}

export interface StoredChatAnswer extends Answer {
  readonly body: JsonObject;
}

const SEGMENTS = ["", "", "completion_id"];

/** What the operations on one chat have in common. */
function define(
  answer: (chat: StoredChat, request: Fields, account: string) => JsonObject | Refusal,
  rest: Partial<ReferenceOperation<StoredChatAnswer>> = {},
): ReferenceOperation<StoredChatAnswer> {
  return {
    isBilled: false,
    decode: (call) => ({ fields: { ...decodeQuery(call), ...decodePath(call, SEGMENTS) } }),
    validate: () => null,
    estimate: () => 0,
    answer(request, { account }) {
      const chat = stored.get(keyOf(account, request["completion_id"]));
      if (chat === undefined) return makeRefusal("not_found", { param: "completion_id" });
      const body = answer(chat, request, account);
      return isRefused(body) ? body : { request, cost: 0, breaksAfter: null, body };
    },
    encode: ({ body }) => body,
    ...rest,
  };
}

function isRefused(value: JsonObject | Refusal): value is Refusal {
  return "status" in value && "headers" in value;
}

export const getChatCompletion = define(({ completion }) => completion);

export const updateChatCompletion = define(
  (chat, { completion_id: id, metadata }, account) => {
    const completion = { ...chat.completion, metadata: metadata ?? {} };
    stored.set(keyOf(account, id), { ...chat, completion });
    return completion;
  },
  {
    decode(call, reader) {
      const decoded = decodeJson(call, reader);
      return "refusal" in decoded ? decoded : { fields: { ...decoded.fields, ...decodePath(call, SEGMENTS) } };
    },
    validate({ metadata }) {
      if (metadata === undefined) return makeRefusal("missing_parameter", { param: "metadata" });
      return metadata === null || isJsonObject(metadata) ? null : makeRefusal("invalid_type", { param: "metadata" });
    },
  },
);

export const deleteChatCompletion = define((_, { completion_id: id }, account) => {
  stored.delete(keyOf(account, id));
  return { object: "chat.completion.deleted", id, deleted: true };
});

export const getChatCompletionMessages = define(
  ({ messages }, request) => {
    const page = cutPage(messages, request, "asc");
    return "status" in page ? page : encodePage(page);
  },
  { validate: refusePage },
);

export interface ChatPage extends Answer {
  readonly page: ReferencePage;
}

export const listChatCompletions: ReferenceOperation<ChatPage> = {
  isBilled: false,
  decode: (call) => ({ fields: decodeQuery(call) }),
  validate: refusePage,
  estimate: () => 0,
  answer(request, { account }) {
    const page = cutPage(listChats(account, request), request, "asc");
    return "status" in page ? page : { request, cost: 0, breaksAfter: null, page };
  },
  encode: ({ page }) => encodePage(page),
};

function listChats(account: string, { model, metadata = {} }: Fields): readonly JsonObject[] {
  const prefix = `[${JSON.stringify(account)},`;
  return [...stored]
    .filter(([key]) => key.startsWith(prefix))
    .map(([, { completion }]) => completion)
    .filter((completion) => model === undefined || completion["model"] === model)
    .filter((completion) => hasLabels(completion["metadata"], metadata));
}

function hasLabels(labels: unknown, asked: unknown): boolean {
  return Object.entries(Object(asked)).every(([name, value]) => isJsonObject(labels) && labels[name] === value);
}
