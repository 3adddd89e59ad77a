/** Conversations, responses and their items as checks make them: whether a server keeps any. Nothing here judges. */

import type OpenAI from "openai";
import type { Conversation } from "openai/resources/conversations/conversations";
import { type CheckContext, defineShared, type SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, isJsonObject, type JsonObject, requireSuccess } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { OWNERS } from "./owners.ts";
import { requireResponse, type ResponseFields } from "./response-calls.ts";
import { OTHER_ACCOUNT } from "./stored-calls.ts";

/** How a server says that it has no such operation. */
const ABSENT: readonly number[] = [404, 405, 501];

const CONVERSING = defineShared<true>();
const LISTING = defineShared<true>();
const DELETING = defineShared<true>();

/** @throws NotTestable where the target keeps no conversations */
export async function requireConversations(context: CheckContext): Promise<void> {
  await context.shared(CONVERSING, async () => {
    const { status } = expectResponse(await context.wire({ method: "POST", path: "/conversations", body: "{}" }));
    if (ABSENT.includes(status)) throw new NotTestable(`the target keeps no conversations: status ${status}`);
    return true;
  });
}

/** @throws NotTestable, Inconclusive */
export async function beginConversation(
  context: CheckContext,
  fields: OpenAI.Conversations.ConversationCreateParams = { metadata: {} },
): Promise<Conversation> {
  await requireConversations(context);
  const made: Partial<Conversation> = requireSuccess(
    await context.sdk((client) => client.conversations.create(fields)),
    OWNERS.conversation,
  );
  if (typeof made.id !== "string") throw new Inconclusive("a conversation has no id", OWNERS.conversation);
  return made as Conversation;
}

export const sayAll = (...texts: readonly string[]) => texts.map((content) => ({ role: "user" as const, content }));

/** The ids of items with these texts. @throws Inconclusive */
export async function addItems(
  context: CheckContext,
  id: string,
  texts: readonly string[],
): Promise<readonly string[]> {
  const outcome = await context.sdk((client) => client.conversations.items.create(id, { items: sayAll(...texts) }));
  const added = readElements(requireSuccess(outcome, OWNERS.conversationItems));
  const ids = added.map((item) => item["id"]);
  const areThese = added.map(textOfItem).join() === texts.join();
  const areOwn = areThese && new Set(ids).size === texts.length && ids.every((one) => typeof one === "string");
  if (!areOwn)
    throw new Inconclusive(
      "the items that were added are not answered one by one, each with an id",
      OWNERS.conversationItems,
    );
  return ids;
}

/** The elements of a page. */
export function readElements({ data }: { readonly data?: unknown }): readonly JsonObject[] {
  return Array.isArray(data) ? data.filter(isJsonObject) : [];
}

/** All texts of an item that is a message. */
export function textOfItem({ content }: JsonObject): string {
  const parts = Array.isArray(content) ? content.filter(isJsonObject) : [];
  return parts.map(({ text }) => (typeof text === "string" ? text : "")).join("");
}

/** A conversation that has items with these texts, the oldest first. */
export async function beginWith(
  context: CheckContext,
  ...texts: readonly string[]
): Promise<{ readonly id: string; readonly ids: readonly string[] }> {
  const { id } = await beginConversation(context);
  return { id, ids: await addItems(context, id, texts) };
}

/** The list as the wire has it, the oldest first. */
export async function listItems(context: CheckContext, id: string, query = "order=asc"): Promise<Exchange> {
  return context.wire({ method: "GET", path: `/conversations/${encodeURIComponent(id)}/items?${query}` });
}

/** What is found by walking through the SDK's pages, up to one more than there are. */
export async function walk<Item>(
  pages: AsyncIterable<Item>,
  { read, most }: { readonly read: (item: Item) => string; readonly most: number },
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const item of pages) {
    found.push(read(item));
    if (found.length > most) break;
  }
  return found;
}

/** A response that is stored, where the target lists what responses were asked. @throws NotTestable, Inconclusive */
export async function requireListed(
  context: CheckContext,
  fields: ResponseFields = {},
): Promise<{ readonly id: string }> {
  await context.shared(LISTING, () => probe(context, LIST_INPUT));
  return { id: String((await requireResponse(context, fields))["id"]) };
}

/** A response that can be deleted. @throws NotTestable, Inconclusive */
export async function requireDeletable(context: CheckContext): Promise<JsonObject & { readonly id: string }> {
  await context.shared(DELETING, () => probe(context, DELETE_RESPONSE));
  const made = await requireResponse(context);
  return { ...made, id: String(made["id"]) };
}

const LIST_INPUT = { method: "GET", below: "/input_items", lack: "lists no input of responses" } as const;
const DELETE_RESPONSE = { method: "DELETE", below: "", lack: "deletes no responses" } as const;

/** With a response of its own. */
async function probe(
  context: CheckContext,
  { method, below, lack }: typeof LIST_INPUT | typeof DELETE_RESPONSE,
): Promise<true> {
  const { id } = await requireResponse(context);
  const path = `/responses/${encodeURIComponent(String(id))}${below}`;
  const { status } = expectResponse(await context.wire({ method, path }));
  if (ABSENT.includes(status)) throw new NotTestable(`the target ${lack}: status ${status}`);
  return true;
}

/** The same call with the key of another account, and what it got. */
export async function callAsOther<T>(
  context: CheckContext,
  call: (client: OpenAI) => Promise<T>,
): Promise<SdkOutcome<T>> {
  return context.sdk(call, { credential: OTHER_ACCOUNT, isRefusable: true });
}
