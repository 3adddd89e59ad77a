/**
 * What is asked of conversations to look at all of an answer, and what is wrong with it: it says of a conversation and
 * of its items what they were made with.
 */

import { conversationDeletedSchema, conversationSchema, itemSchema } from "@openai-compat/spec";
import { type CheckContext, defineShared } from "../../src/check-context.ts";
import { assume, expectJsonObject, expectStatus, expectThat, type JsonObject } from "../../src/expect.ts";
import { defineOwners } from "../../src/owners.ts";
import { userMessage } from "../support/chat-calls.ts";
import { readElements, requireConversations } from "../support/conversation-calls.ts";
import { OWNERS } from "../support/owners.ts";
import { uniqueLabel } from "../support/stored-calls.ts";
import type { Answered } from "./answered.ts";
import { type Flaw, isRecentSeconds, isSame, listShapeFlaws, must } from "./flaws.ts";
import { listItemFlaws, listItemPageFlaws } from "./item-flaws.ts";
import { defineKeptCalls, type KeptCalls } from "./kept.ts";
import { cutPage, isId } from "./pages.ts";

interface Conversation {
  /** As it was answered when it was made. */
  readonly made: JsonObject;
  /** What was sent, the oldest first. */
  readonly items: readonly JsonObject[];
  readonly ids: readonly unknown[];
}

interface Conversations {
  readonly label: string;
  readonly list: readonly Conversation[];
}

const TURNS: readonly JsonObject[] = [
  userMessage("Name a sea."),
  { role: "assistant", content: "The North Sea." },
  userMessage([
    { type: "input_text", text: "Zürich and 東京:" },
    { type: "input_text", text: "which is larger?" },
  ]),
];

/** As an agent keeps them. */
const CALLED: readonly JsonObject[] = [
  { type: "function_call", call_id: "call_zq7301", name: "close_gate", arguments: '{"gate":"kx-19"}' },
  { type: "function_call_output", call_id: "call_zq7301", output: "It is closed." },
  { type: "custom_tool_call", call_id: "call_zq7302", name: "write_note", input: "The gate is closed." },
  { type: "custom_tool_call_output", call_id: "call_zq7302", output: "Written." },
];

const ADDED = [TURNS, CALLED, [userMessage("Say hello."), userMessage("Go on, please.")]];
/** Whatever is refused or answered otherwise when they are made, that row judges. */
const MADE_BY = OWNERS.conversationItems.merge(defineOwners("responses.invariants.conversation-items"));

function labelOf(label: string, place: number): JsonObject {
  return { label, place: String(place) };
}

async function post(context: CheckContext, path: string, fields: JsonObject): Promise<JsonObject> {
  const exchange = await context.wire({ method: "POST", path, body: JSON.stringify(fields) });
  const owners = path === "/conversations" ? OWNERS.conversation : MADE_BY;
  return assume("a conversation with items", owners, () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** @throws Inconclusive */
async function begin(context: CheckContext, metadata: JsonObject): Promise<Conversation> {
  const made = await post(context, "/conversations", { metadata });
  const actual = String(made["id"]);
  assume("an id of a conversation", OWNERS.conversation, () =>
    expectThat(isId(made["id"]), { observer: "wire", expected: "an id", actual }),
  );
  return { made, items: [], ids: [] };
}

/** @throws Inconclusive */
async function add(context: CheckContext, { made }: Conversation, items: readonly JsonObject[]): Promise<Conversation> {
  const page = await post(context, `/conversations/${encodeURIComponent(String(made["id"]))}/items`, { items });
  const ids = readElements(page).map((item) => item["id"]);
  assume("an id for each item", MADE_BY, () =>
    expectThat(ids.length === items.length && ids.every(isId) && new Set(ids).size === ids.length, {
      observer: "wire",
      expected: `${items.length} ids`,
      actual: ids.join(),
    }),
  );
  return { made, items, ids };
}

/** @throws NotTestable, Inconclusive */
async function make(context: CheckContext): Promise<Conversations> {
  const { label, list } = await makeEmpty(context);
  const filled: Conversation[] = [];
  for (const [place, one] of list.entries()) filled.push(await add(context, one, ADDED[place] ?? []));
  return { label, list: filled };
}

/** The same without items. @throws NotTestable, Inconclusive */
async function makeEmpty(context: CheckContext): Promise<Conversations> {
  await requireConversations(context);
  const label = uniqueLabel();
  const list: Conversation[] = [];
  for (const place of ADDED.keys()) list.push(await begin(context, labelOf(label, place)));
  return { label, list };
}

const READ = defineShared<Conversations>();
/** Their metadata is changed, and items are added to them. */
const CHANGED = defineShared<Conversations>();

type Row = Pick<KeptCalls<Conversations>, "operation" | "about" | "compose"> & Partial<KeptCalls<Conversations>>;

/** Of an item: the second one of the conversation. */
const ITEM = 1;

function define(row: Row) {
  return defineKeptCalls<Conversations>({
    keep: make,
    ...row,
    name: ({ list }, place) => {
      const { made, ids = [] } = list[place] ?? {};
      return { path: { conversation_id: String(made?.["id"]), item_id: String(ids[ITEM]) }, ids };
    },
  });
}

/** What every conversation says of itself. */
function listConversationFlaws(body: JsonObject, metadata: JsonObject): readonly Flaw[] {
  return [
    ...listShapeFlaws(body, conversationSchema),
    ...must(isId(body["id"]), "an id", body["id"]),
    ...must(isRecentSeconds(body["created_at"]), "`created_at` in seconds, of today", body["created_at"]),
    ...must(isSame(body["metadata"] ?? {}, metadata), `the metadata ${JSON.stringify(metadata)}`, body["metadata"]),
  ];
}

function listKeptFlaws(body: JsonObject, made: JsonObject | undefined, metadata: JsonObject): readonly Flaw[] {
  const differing = ["id", "created_at"].filter((name) => body[name] !== made?.[name]);
  return [
    ...listConversationFlaws(body, metadata),
    ...must(differing.length === 0, `${differing.join(", ")} as when it was made`, body),
  ];
}

const CONVERSATIONS = { area: "responses", needs: ["key:full"] } as const;

const created = define({ operation: "createConversation", about: CHANGED, keep: makeEmpty, compose: () => ({}) });
const read = define({ operation: "getConversation", about: READ });
const updated = define({
  operation: "updateConversation",
  about: CHANGED,
  keep: makeEmpty,
  compose: (place) => ({ metadata: { place: String(place) } }),
});
const deleted = define({ operation: "deleteConversation", about: null, keep: makeEmpty });
const added = define({
  operation: "createConversationItems",
  about: CHANGED,
  keep: makeEmpty,
  compose: (place) => ({ items: ADDED[place] }),
});
const listed = define({ operation: "listConversationItems", about: READ });
const item = define({ operation: "getConversationItem", about: READ });
const itemDeleted = define({ operation: "deleteConversationItem", about: null });

const PAGES: readonly JsonObject[] = [
  { limit: 2 },
  { limit: 1, order: "asc" },
  { after: 1 },
  { after: 0, order: "asc" },
  { place: 1, order: "asc", limit: 100 },
];
const BAD_PAGES: readonly JsonObject[] = [{ limit: "0" }, { order: "conformance" }];
const UNKNOWN = { conversation_id: "conv_conformance_unknown" };
const UNKNOWN_ITEM = { item_id: "msg_conformance_unknown" };
const TOPIC = { topic: "zq-7301", place: "Zürich, 東京" };

/** One row for each operation on conversations. */
export const CONVERSATION_ANSWERED: readonly Answered[] = [
  {
    ...CONVERSATIONS,
    slug: "conversations",
    operation: "createConversation",
    makes: true,
    variants: [{ metadata: TOPIC }, {}, { metadata: { topic: "gate" }, items: TURNS }, { items: CALLED }],
    refused: [{ items: Array.from({ length: 21 }, () => TURNS[0]) }],
    send: created.send,
    list: created.listWith((body, _, { metadata }) => listConversationFlaws(body, { ...Object(metadata ?? {}) })),
  },
  {
    ...CONVERSATIONS,
    slug: "conversations-get",
    operation: "getConversation",
    variants: [{ place: 0 }, { place: 1 }],
    refused: [UNKNOWN],
    send: read.send,
    list: read.listWith((body, { label, list }, { place }) =>
      listKeptFlaws(body, list[Number(place)]?.made, labelOf(label, Number(place))),
    ),
  },
  {
    ...CONVERSATIONS,
    slug: "conversations-update",
    operation: "updateConversation",
    variants: [
      { place: 0, metadata: TOPIC },
      { place: 1, metadata: { topic: "gate" } },
      { place: 0, metadata: {} },
    ],
    refused: [UNKNOWN, { metadata: { topic: 7 } }],
    send: updated.send,
    list: updated.listWith((body, { list }, { place, metadata }) =>
      listKeptFlaws(body, list[Number(place)]?.made, { ...Object(metadata) }),
    ),
  },
  {
    ...CONVERSATIONS,
    slug: "conversations-delete",
    operation: "deleteConversation",
    variants: [{ place: 0 }, { place: 1 }],
    refused: [UNKNOWN],
    send: deleted.send,
    list: deleted.listWith((body, { list }, { place }) => [
      ...listShapeFlaws(body, conversationDeletedSchema),
      ...must(body["id"] === list[Number(place)]?.made["id"], "the id of the deleted conversation", body["id"]),
      ...must(body["deleted"] === true, "deleted: true", body["deleted"]),
    ]),
  },
  {
    ...CONVERSATIONS,
    slug: "conversation-items",
    operation: "createConversationItems",
    variants: [{ place: 0 }, { place: 1 }],
    refused: [UNKNOWN, { items: undefined }],
    send: added.send,
    list: added.listWith((body, _, { place }) => listItemPageFlaws(body, ADDED[Number(place)] ?? [], false)),
  },
  {
    ...CONVERSATIONS,
    slug: "conversation-items-list",
    operation: "listConversationItems",
    variants: [{}, ...PAGES],
    refused: [UNKNOWN, ...BAD_PAGES],
    send: listed.send,
    list: listed.listWith((body, { list }, { place = 0, ...fields }) => {
      const { items = [], ids = [] } = list[Number(place)] ?? {};
      const { page, hasMore } = cutPage([...items.keys()], fields, "desc");
      const expected = page.map((index) => ids[index]);
      return [
        ...listItemPageFlaws(
          body,
          page.map((index) => items[index] ?? {}),
          hasMore,
        ),
        ...must(
          JSON.stringify(readElements(body).map(({ id }) => id)) === JSON.stringify(expected),
          "the ids that the items were given",
          { expected, data: body["data"] },
        ),
      ];
    }),
  },
  {
    ...CONVERSATIONS,
    slug: "conversation-items-get",
    operation: "getConversationItem",
    variants: [{ place: 0 }, { place: 1 }, { place: 2 }],
    refused: [UNKNOWN, UNKNOWN_ITEM],
    send: item.send,
    list: item.listWith((body, { list }, { place }) => {
      const { items = [], ids = [] } = list[Number(place)] ?? {};
      return [
        ...listShapeFlaws(body, itemSchema),
        ...listItemFlaws(body, items[ITEM] ?? {}),
        ...must(body["id"] === ids[ITEM], "the id that the item was given", body["id"]),
      ];
    }),
  },
  {
    ...CONVERSATIONS,
    slug: "conversation-items-delete",
    operation: "deleteConversationItem",
    variants: [{ place: 0 }, { place: 1 }],
    refused: [UNKNOWN, UNKNOWN_ITEM],
    send: itemDeleted.send,
    list: itemDeleted.listWith((body, { label, list }, { place }) =>
      listKeptFlaws(body, list[Number(place)]?.made, labelOf(label, Number(place))),
    ),
  },
];
