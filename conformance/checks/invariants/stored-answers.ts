/**
 * What is asked of stored chat completions to look at all of an answer, and what is wrong with it: it says of a
 * completion what its caller got when it was made.
 */

import {
  chatCompletionDeletedSchema,
  chatCompletionListSchema,
  chatCompletionMessageListSchema,
  createChatCompletionResponseSchema,
  operations,
} from "@openai-compat/spec";
import { type CheckContext, defineShared, type SharedKey } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { SHORT_PROMPT, userMessage } from "../support/chat-calls.ts";
import { storeChat, uniqueLabel } from "../support/stored-calls.ts";
import type { Answered } from "./answered.ts";
import { type Flaw, listShapeFlaws, must, objectsOf, readAnswer, should } from "./flaws.ts";
import { composeQuery, cutPage, listPageFlaws } from "./pages.ts";

interface StoredChat {
  readonly messages: readonly JsonObject[];
  /** What the caller got. */
  readonly made: JsonObject;
}

interface Stored {
  /** In the metadata of each of them. */
  readonly label: string;
  /** The oldest first. */
  readonly chats: readonly StoredChat[];
}

const STORED = defineShared<Stored>();
/** Their metadata is changed. */
const CHANGED = defineShared<Stored>();
/** What an answer is about. */
const ABOUT = new WeakMap<Exchange, Stored>();

const CONVERSATIONS: readonly (readonly JsonObject[])[] = [
  [userMessage(SHORT_PROMPT)],
  [
    { role: "system", content: "Be brief." },
    userMessage("Name a sea."),
    { role: "assistant", content: "The North Sea." },
    userMessage([
      { type: "text", text: "Zürich and 東京:" },
      { type: "text", text: "which is larger?" },
    ]),
  ],
  [userMessage("Count from 1 to 200, all numbers, separated by blanks.")],
];

/** So that they differ in how long they are, and in why they end. */
const TOKENS = [16, 6, 4];

async function storeOne(context: CheckContext, label: string, place: number): Promise<StoredChat> {
  const messages = CONVERSATIONS[place] ?? [];
  const sent = { messages, metadata: labelOf({ label }, place), max_tokens: TOKENS[place] };
  const made = await storeChat(context, sent as unknown as Parameters<typeof storeChat>[1]);
  return { messages, made: { ...made } };
}

/** One chat alone, for a call that takes it away. */
async function storeAlone(context: CheckContext, place: number): Promise<Stored> {
  const label = uniqueLabel();
  const chats: StoredChat[] = [];
  chats[place] = await storeOne(context, label, place);
  return { label, chats };
}

async function store(context: CheckContext): Promise<Stored> {
  const label = uniqueLabel();
  const chats: StoredChat[] = [];
  for (const place of CONVERSATIONS.keys()) chats.push(await storeOne(context, label, place));
  return { label, chats };
}

interface Operation {
  readonly id:
    | "listChatCompletions"
    | "getChatCompletion"
    | "updateChatCompletion"
    | "deleteChatCompletion"
    | "getChatCompletionMessages";
  /** The chats that it is about; null: it takes one away, so that each call needs one of its own. */
  readonly about: SharedKey<Stored> | null;
}

type Fixed = Readonly<Record<string, string>>;

const UNKNOWN_ID = "conformance-unknown";
const NOTHING: Stored = { label: "", chats: [] };

/** `place` and a number in `after` stand for ids. */
function sendStored({ id: operation, about }: Operation): Answered["send"] {
  const { method, path } = operations[operation];
  return async (context, fields, sent = {}) => {
    const { completion_id: unknown, place: asked, ...rest } = fields;
    const place = Number(asked ?? 0);
    // A call that is refused takes nothing away, so that there is nothing to store for it.
    const isRefused = sent.credential !== undefined || unknown !== undefined;
    const takeOwn = async (): Promise<Stored> => (isRefused ? NOTHING : storeAlone(context, place));
    const stored = about === null ? await takeOwn() : await context.shared(about, () => store(context));
    const id = unknown ?? stored.chats[place]?.made["id"];
    const filled = path.replace("{completion_id}", encodeURIComponent(typeof id === "string" ? id : UNKNOWN_ID));
    const fixed: Fixed = operation === "listChatCompletions" ? { "metadata[label]": stored.label } : {};
    const ids = typeof rest["after"] === "number" ? await listIds(context, filled, fixed) : [];
    const exchange = await context.wire({
      method,
      path: method === "GET" ? `${filled}${composeQuery(rest, ids, fixed)}` : filled,
      ...(method === "POST" ? { body: JSON.stringify({ metadata: labelOf(stored, place), ...rest }) } : {}),
      disconnectAfterMs: context.patienceMs,
      ...sent,
    });
    ABOUT.set(exchange, stored);
    return exchange;
  };
}

/** The metadata of a chat. */
function labelOf({ label }: Pick<Stored, "label">, place: number): JsonObject {
  return { label, place: String(place) };
}

/** What a number in `after` stands for: the ids of all that is listed. */
async function listIds(context: CheckContext, path: string, fixed: Fixed): Promise<readonly unknown[]> {
  const { body } = readAnswer(await context.wire({ method: "GET", path: `${path}${composeQuery({}, [], fixed)}` }));
  return objectsOf(isJsonObject(body) ? body["data"] : []).map(({ id }) => id);
}

type List = Answered["list"];

/** What is wrong with the body, beside what it is about. */
function listWith(list: (body: JsonObject, stored: Stored, fields: JsonObject) => readonly Flaw[]): List {
  return (exchange, { fields }) => {
    const { body, flaws } = readAnswer(exchange);
    const stored = ABOUT.get(exchange) ?? NOTHING;
    if (!isJsonObject(body)) return [...flaws, ...must(false, "a JSON object", body)];
    return [...flaws, ...list(body, stored, fields)];
  };
}

function listChatFlaws(body: JsonObject, made: JsonObject | undefined): readonly Flaw[] {
  const differing = ["id", "object", "created", "model"].filter((name) => body[name] !== made?.[name]);
  const [expected, actual] = [made, body].map((one) => JSON.stringify(objectsOf(one?.["choices"]).map(readChoice)));
  const [counted, told] = [made, body].map((one) => JSON.stringify(readCounts(one?.["usage"])));
  return [
    ...listShapeFlaws(body, createChatCompletionResponseSchema),
    ...must(differing.length === 0, `${differing.join(", ")} as when it was made`, body),
    ...must(expected === actual, `the choices that were answered: ${expected}`, actual),
    ...should(counted === told, `the usage that was answered: ${counted}`, told),
  ];
}

function readChoice({ index, message, finish_reason: reason }: JsonObject): unknown {
  const { role, content } = isJsonObject(message) ? message : {};
  return { index, role, content, reason };
}

function readCounts(usage: unknown): unknown {
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = isJsonObject(usage) ? usage : {};
  return [input, output, total];
}

function listMetadataFlaws({ metadata }: JsonObject, expected: JsonObject): readonly Flaw[] {
  const isSame = isJsonObject(metadata) && Object.entries(expected).every(([name, value]) => metadata[name] === value);
  return must(isSame, `the metadata ${JSON.stringify(expected)}`, metadata ?? null);
}

const NO_MODEL = "conformance-no-such-model";

/** The chats that a query asks for. */
function cut<T>(list: readonly T[], fields: JsonObject) {
  return fields["model"] === NO_MODEL ? { page: [], hasMore: false } : cutPage(list, fields, "asc");
}

const listListFlaws = listWith((body, { label, chats }, fields) => {
  const { page, hasMore } = cut(chats, fields);
  const data = objectsOf(body["data"]);
  return [
    ...listShapeFlaws(body, chatCompletionListSchema),
    ...must(data.length === page.length, `${page.length} completions`, data.length),
    ...listPageFlaws(body, hasMore),
    ...page.flatMap(({ made }, index) => listChatFlaws(data[index] ?? {}, made)),
    ...page.flatMap((chat, index) => listMetadataFlaws(data[index] ?? {}, labelOf({ label }, chats.indexOf(chat)))),
  ];
});

const listMessagesFlaws = listWith((body, { chats }, { place = 0, ...fields }) => {
  const { page, hasMore } = cut(chats[Number(place)]?.messages ?? [], fields);
  const data = objectsOf(body["data"]);
  return [
    ...listShapeFlaws(body, chatCompletionMessageListSchema),
    ...must(data.length === page.length, `${page.length} messages`, data.length),
    ...listPageFlaws(body, hasMore),
    ...page.flatMap((sent, index) => listMessageFlaws(data[index] ?? {}, sent)),
  ];
});

/** A text comes back as it was; parts come back in `content_parts`. */
function listMessageFlaws(message: JsonObject, { role, content }: JsonObject): readonly Flaw[] {
  const { content_parts: parts, content: text, name } = message;
  const read = (list: unknown): string => JSON.stringify(objectsOf(list).map((part) => [part["type"], part["text"]]));
  return [
    ...must(message["role"] === role, `the role ${String(role)}`, message),
    ...(typeof content === "string"
      ? [
          ...must(text === content, `the content ${content}`, message),
          ...must((parts ?? null) === null, "no parts of a message that was sent without", message),
        ]
      : must(read(parts) === read(content), "the parts that were sent, in `content_parts`", message)),
    ...must((name ?? null) === null, "no name of a message that was sent without", message),
  ];
}

const UNKNOWN = { completion_id: UNKNOWN_ID };
const BAD_PAGES: readonly JsonObject[] = [{ limit: "0" }, { order: "conformance" }];
const STORED_CHATS = { area: "responses", needs: ["key:full", "model:chat"] } as const;
const PAGES: readonly JsonObject[] = [
  { limit: 2 },
  { limit: 1, order: "desc" },
  { after: 0 },
  { after: 1, order: "asc" },
  { model: NO_MODEL },
];

/** One row for each operation of what the server keeps. */
export const STORED_ANSWERED: readonly Answered[] = [
  {
    ...STORED_CHATS,
    slug: "stored-chats-list",
    operation: "listChatCompletions",
    variants: [{}, ...PAGES],
    refused: BAD_PAGES,
    send: sendStored({ id: "listChatCompletions", about: STORED }),
    list: listListFlaws,
  },
  {
    ...STORED_CHATS,
    slug: "stored-chats-get",
    operation: "getChatCompletion",
    variants: [{ place: 0 }, { place: 1 }, { place: 2 }],
    refused: [UNKNOWN],
    send: sendStored({ id: "getChatCompletion", about: STORED }),
    list: listWith((body, stored, { place }) => [
      ...listChatFlaws(body, stored.chats[Number(place)]?.made),
      ...listMetadataFlaws(body, labelOf(stored, Number(place))),
    ]),
  },
  {
    ...STORED_CHATS,
    slug: "stored-chats-update",
    operation: "updateChatCompletion",
    variants: [{ place: 0 }, { place: 1 }, { place: 2 }],
    refused: [UNKNOWN],
    send: sendStored({ id: "updateChatCompletion", about: CHANGED }),
    list: listWith((body, stored, { place }) => [
      ...listChatFlaws(body, stored.chats[Number(place)]?.made),
      ...listMetadataFlaws(body, labelOf(stored, Number(place))),
    ]),
  },
  {
    ...STORED_CHATS,
    slug: "stored-chats-delete",
    operation: "deleteChatCompletion",
    variants: [{ place: 0 }, { place: 1 }],
    refused: [UNKNOWN],
    send: sendStored({ id: "deleteChatCompletion", about: null }),
    list: listWith((body, { chats }, { place }) => [
      ...listShapeFlaws(body, chatCompletionDeletedSchema),
      ...must(body["id"] === chats[Number(place)]?.made["id"], "the id of the deleted completion", body["id"]),
      ...must(body["deleted"] === true, "deleted: true", body["deleted"]),
    ]),
  },
  {
    ...STORED_CHATS,
    slug: "stored-chats-messages",
    operation: "getChatCompletionMessages",
    variants: [
      { place: 1 },
      { place: 2 },
      { place: 1, limit: 3 },
      { place: 1, order: "desc", limit: 2 },
      { place: 1, after: 0 },
    ],
    refused: [...BAD_PAGES, UNKNOWN],
    send: sendStored({ id: "getChatCompletionMessages", about: STORED }),
    list: listMessagesFlaws,
  },
];
