/**
 * What responses, conversations and stored chats are to a database: entries in chains, their content opaque bytes. Each
 * kind of store implements it; `response-store.ts` makes objects of it.
 */

import type { ChainUse, PageRequest, StoreOutcome } from "@openai-compat/core";

/** `item`: of a conversation, in whose chain its id is unique; an account has each of the other ids once. */
export type EntryKind = "response" | "conversation" | "item" | "chat";

interface EntryFields {
  readonly kind: EntryKind;
  readonly id: string;
  /** The response that a response goes on from. */
  readonly previousId: string | null;
  readonly createdAtMs: number;
  readonly content: Uint8Array;
}

export interface Entry extends EntryFields {
  readonly chainId: string;
}

export interface NewEntry extends EntryFields {
  /** Of what is in its content, each once; it is found by them. */
  readonly itemIds: readonly string[];
}

export interface EntryKey {
  readonly accountId: string;
  readonly kind: EntryKind;
  readonly id: string;
  /** Of an item: the conversation. Of anything else: null. */
  readonly chainId: string | null;
}

export interface Addition {
  readonly accountId: string;
  /** The entry whose chain they join, or the id of the chain that they begin. */
  readonly chain: { readonly joins: Pick<Entry, "kind" | "id"> } | { readonly begins: string };
  readonly entries: readonly NewEntry[];
  /** What to do with an item whose id its conversation has already. */
  readonly onTaken: "skip" | "refuse";
  readonly use: ChainUse;
}

export interface EntryPage extends PageRequest {
  readonly accountId: string;
  readonly kind: EntryKind;
  /** Of items: the conversation. Null: all chains of the account. */
  readonly chainId: string | null;
}

export interface EntryList {
  readonly entries: readonly Entry[];
  readonly hasMore: boolean;
}

export interface EntryStore {
  /**
   * All of them or none. An expiry only ever moves away.
   *
   * @returns `absent` when there is nothing to join
   * @throws Error when an id is taken that is not an item's
   */
  insert(addition: Addition): Promise<StoreOutcome | "absent" | "taken">;
  find(key: EntryKey): Promise<Entry | null>;
  /** The response, its previous one and so on, up to one that is missing. */
  findChain(accountId: string, responseId: string): Promise<readonly Entry[]>;
  /** The newest entry that was added with each id. */
  findByItems(accountId: string, itemIds: readonly string[]): Promise<ReadonlyMap<string, Entry>>;
  /** @returns null when there is no entry `after` */
  list(page: EntryPage): Promise<EntryList | null>;
  /** Changes its content. */
  replace(key: EntryKey, content: Uint8Array, limits: Pick<ChainUse, "bytesMax">): Promise<StoreOutcome | "absent">;
  /** `chain`: with all entries of its chain. @returns false when it is not there */
  remove(key: EntryKey, extent: "entry" | "chain"): Promise<boolean>;
  removeExpired(nowMs: number): Promise<number>;
  close(): Promise<void>;
}

/** Reads no further than one entry behind the page. */
export function takePage<Sized extends Pick<Entry, "content">>(
  entries: Iterable<Sized>,
  { limit, bytesMax = Number.POSITIVE_INFINITY }: Pick<PageRequest, "limit" | "bytesMax">,
): { readonly entries: readonly Sized[]; readonly hasMore: boolean } {
  const taken: Sized[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.content.byteLength;
    const isFull = taken.length === limit || (taken.length > 0 && bytes > bytesMax);
    if (isFull) return { entries: taken, hasMore: true };
    taken.push(entry);
  }
  return { entries: taken, hasMore: false };
}

/** What an entry takes beside its content: its row, its ids and what they are found by, by estimate. */
const ENTRY_BYTES = 512;
const ITEM_ID_BYTES = 128;

/** What an entry counts for in the limit of its account. */
export function countEntryBytes({ content, itemIds }: Pick<NewEntry, "content" | "itemIds">): number {
  const ids = itemIds.reduce((sum, id) => sum + ITEM_ID_BYTES + Buffer.byteLength(id), 0);
  return ENTRY_BYTES + content.byteLength + ids;
}

/** Chains that a sweep removes in one go, so that it holds up nobody for long. */
export const EXPIRED_CHAINS_MAX = 256;
