/** What a response goes on from: the turns before it, and the items that it refers to. All of the account's own. */

import { AiError, createWorkSlices, mapInSlices } from "@openai-compat/core";
import type { ResponseStore, StoredItem } from "@openai-compat/core";
import { inputItemSchema } from "@openai-compat/spec";
import type { InputItem } from "@openai-compat/spec";
import { listInput } from "./decode.ts";
import type { ResponseWire } from "./decode.ts";
import type { PlacedItem } from "./decode-input.ts";
import { encodeItems } from "./encode-items.ts";

/** What of the store is read. */
export type StateReader = Pick<ResponseStore, "findChain" | "findConversation" | "listItems" | "findItems">;

export interface ResponseState {
  /** Of all turns, oldest first. */
  readonly items: readonly PlacedItem[];
  /** Of this turn alone, as they are stored: each has an id. */
  readonly input: readonly StoredItem[];
  readonly previousResponseId: string | null;
  readonly conversationId: string | null;
}

/**
 * @throws AiError `previous_response_not_found`; `not_found` for a conversation and for an item that is referred to;
 *   `missing_required_parameter` for a request without input
 */
export async function resolveState(store: StateReader, accountId: string, wire: ResponseWire): Promise<ResponseState> {
  const own = await resolveReferences(store, accountId, listInput(wire));
  const { conversation = null, previous_response_id: previous } = wire;
  const conversationId = typeof conversation === "string" ? conversation : (conversation?.id ?? null);
  const previousResponseId = previous ?? null;
  const earlier = [
    ...(previousResponseId === null ? [] : await listChain(store, accountId, previousResponseId)),
    ...(conversationId === null ? [] : await listConversation(store, accountId, conversationId)),
  ];
  return {
    items: [...earlier, ...own],
    input: encodeItems(own.map(({ item }) => item)),
    previousResponseId,
    conversationId,
  };
}

async function listChain(store: StateReader, accountId: string, id: string): Promise<readonly PlacedItem[]> {
  const param = "previous_response_id";
  const chain = await store.findChain(accountId, id);
  if (chain === null) {
    const message = `Previous response with id '${id.slice(0, 100)}' not found.`;
    throw new AiError("previous_response_not_found", message, { param });
  }
  const items = chain.flatMap(({ input, response }): unknown[] => {
    const output = Array.isArray(response["output"]) ? response["output"] : [];
    return [...input.map(({ item }) => item), ...output];
  });
  return mapInSlices(items, (item) => ({ item: readStored(item), param }), createWorkSlices({}));
}

/** Of one query: what it returns is decoded in one go. */
const PAGE_ITEMS = 1000;
const PAGE_BYTES = 1024 * 1024;

async function listConversation(store: StateReader, accountId: string, id: string): Promise<readonly PlacedItem[]> {
  if ((await store.findConversation(accountId, id)) === null) {
    const message = `Conversation with id '${id.slice(0, 100)}' not found.`;
    throw new AiError("not_found", message, { param: "conversation" });
  }
  const items: PlacedItem[] = [];
  let after: string | null = null;
  for (;;) {
    const next = { after, limit: PAGE_ITEMS, bytesMax: PAGE_BYTES, order: "asc" } as const;
    const page = await store.listItems(accountId, id, next);
    // The item was deleted meanwhile.
    if (page === "unknown_cursor") return items;
    items.push(...page.data.map(({ item }) => ({ item: readStored(item), param: "conversation" })));
    after = page.data.at(-1)?.id ?? null;
    if (!page.hasMore || after === null) return items;
  }
}

/** Items of an upstream may have types that this server does not know; they go back to it as they came. */
function readStored(item: unknown): InputItem {
  const known = inputItemSchema.safeParse(item);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what reads items refuses types that it does not know
  return known.success ? known.data : (item as InputItem);
}

/** What repeated references of one request may add to it, in bytes: a short one may stand for a long item. */
const REPEATED_BYTES_MAX = 1024 * 1024;

/**
 * The items that are referred to in place of the references.
 *
 * @throws AiError `not_found`; `invalid_value` for repeated references to more than `REPEATED_BYTES_MAX`
 */
export async function resolveReferences(
  store: Pick<StateReader, "findItems">,
  accountId: string,
  items: readonly PlacedItem[],
): Promise<readonly PlacedItem[]> {
  const ids = items.flatMap(({ item }) => readReference(item) ?? []);
  if (ids.length === 0) return items;
  const found = await store.findItems(accountId, [...new Set(ids)]);
  const sizes = new Map<string, number>();
  let repeatedBytes = 0;
  return items.map((placed) => {
    const id = readReference(placed.item);
    if (id === null) return placed;
    const stored = found.get(id);
    if (stored !== undefined) {
      const size = sizes.get(id);
      sizes.set(id, size ?? Buffer.byteLength(JSON.stringify(stored.item)));
      repeatedBytes += size ?? 0;
      if (repeatedBytes > REPEATED_BYTES_MAX) throw tooMuchRepeated(placed);
      return { ...placed, item: readStored(stored.item) };
    }
    const message = `Item with id '${id.slice(0, 100)}' not found. Items are not persisted when 'store' is set to false. Try again with 'store' set to true, or remove this item from your input.`;
    throw new AiError("not_found", message, { param: `${placed.param}.id` });
  });
}

function tooMuchRepeated({ param }: PlacedItem): AiError {
  const message = `Invalid '${param}': repeated references would add more than ${REPEATED_BYTES_MAX} bytes. Refer to each item once.`;
  return new AiError("invalid_value", message, { param });
}

function readReference(item: InputItem): string | null {
  if (item.type === "item_reference" || item.type === null) return item.id;
  return item.type === undefined && !("role" in item) ? item.id : null;
}
