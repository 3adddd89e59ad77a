/**
 * Where the state of callers lives: responses and their chains, conversations and their items, stored chat completions.
 * Nobody sees another account's.
 *
 * What belongs together is a chain: a response without a previous one with all that go on from it, a conversation with
 * the responses in it, or one chat completion. A chain is evicted, expires and counts as a whole.
 */

/** JSON as it is on the wire; the store reads ids in it and nothing else. */
export type WireObject = Readonly<Record<string, unknown>>;

export interface StoredItem {
  readonly id: string;
  readonly item: WireObject;
}

export interface StoredResponse {
  readonly id: string;
  readonly accountId: string;
  /** Milliseconds since the epoch. Its chain counts as used then. */
  readonly createdAtMs: number;
  /** Until then its whole chain is kept, unless it is evicted. */
  readonly expiresAtMs: number;
  readonly previousResponseId: string | null;
  /** Its items are appended to that conversation, except those that it has already. */
  readonly conversationId: string | null;
  /** The whole object, its output included. */
  readonly response: WireObject;
  /** Of this turn alone, in order. */
  readonly input: readonly StoredItem[];
}

export interface StoredConversation {
  readonly id: string;
  readonly accountId: string;
  readonly createdAtMs: number;
  readonly metadata: WireObject;
}

export interface StoredChat {
  readonly id: string;
  readonly accountId: string;
  readonly createdAtMs: number;
  /** The whole object. */
  readonly completion: WireObject;
  /** What was sent, in order. */
  readonly messages: readonly StoredItem[];
}

/** When a chain is used, how long it is kept, and what its account may keep. Times are milliseconds since the epoch. */
export interface ChainUse {
  readonly nowMs: number;
  readonly expiresAtMs: number;
  /** Of all chains of the account, as they are stored. */
  readonly bytesMax: number;
}

/**
 * What becomes of an addition. Where an account has no room for it, its least recently used other chains are evicted;
 * `full`: its own chain would exceed the limit alone, so nothing has changed.
 */
export type StoreOutcome = "stored" | "full";

export interface PageRequest {
  /** The last id of the page before; null for the first page. */
  readonly after: string | null;
  readonly limit: number;
  /** Of all elements as they are stored; a page with more has less elements, but one. Default: no limit. */
  readonly bytesMax?: number;
  /** `asc`: the oldest first. */
  readonly order: "asc" | "desc";
}

export interface Page<Element> {
  readonly data: readonly Element[];
  readonly hasMore: boolean;
}

/** `unknown_cursor`: what `after` names is not there. */
export type PageOutcome<Element> = Page<Element> | "unknown_cursor";

interface ChatFilter {
  readonly model: string | null;
  /** Each of these has to be in a completion's metadata. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ResponseStore {
  /**
   * It joins the chain of its previous response, or of its conversation; where that has gone in the meantime, it begins
   * one.
   *
   * @throws Error when the id is taken
   */
  insertResponse(response: StoredResponse, limits: Pick<ChainUse, "bytesMax">): Promise<StoreOutcome>;
  findResponse(accountId: string, id: string): Promise<StoredResponse | null>;
  /** The response and all before it, the oldest first; null when one of them is missing. */
  findChain(accountId: string, id: string): Promise<readonly StoredResponse[] | null>;
  /** Of responses (input and output) and of conversations; the newest where several have the same id. */
  findItems(accountId: string, ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>>;
  /** Its items stay in its conversation. @returns false when the account has no such response */
  removeResponse(accountId: string, id: string): Promise<boolean>;

  /** @throws Error when the id is taken */
  insertConversation(
    conversation: StoredConversation,
    items: readonly StoredItem[],
    use: Omit<ChainUse, "nowMs">,
  ): Promise<StoreOutcome>;
  findConversation(accountId: string, id: string): Promise<StoredConversation | null>;
  /** @returns `absent` when the account has no such conversation */
  updateConversation(
    conversation: StoredConversation,
    limits: Pick<ChainUse, "bytesMax">,
  ): Promise<StoreOutcome | "absent">;
  /** With its items and the responses in it. @returns false when the account has no such conversation */
  removeConversation(accountId: string, id: string): Promise<boolean>;
  /** @returns `taken` when the conversation has an item with one of these ids; nothing has changed then */
  appendItems(
    conversation: Pick<StoredConversation, "accountId" | "id">,
    items: readonly StoredItem[],
    use: ChainUse,
  ): Promise<StoreOutcome | "absent" | "taken">;
  /** In the order in which they were added. Empty when the account has no such conversation. */
  listItems(accountId: string, conversationId: string, page: PageRequest): Promise<PageOutcome<StoredItem>>;
  findItem(accountId: string, conversationId: string, id: string): Promise<StoredItem | null>;
  /** @returns false when the conversation has no such item */
  removeItem(accountId: string, conversationId: string, id: string): Promise<boolean>;

  /** @throws Error when the id is taken */
  insertChat(chat: StoredChat, use: Omit<ChainUse, "nowMs">): Promise<StoreOutcome>;
  findChat(accountId: string, id: string): Promise<StoredChat | null>;
  listChats(accountId: string, page: PageRequest & ChatFilter): Promise<PageOutcome<StoredChat>>;
  /** @returns `absent` when the account has no such completion */
  updateChat(chat: StoredChat, limits: Pick<ChainUse, "bytesMax">): Promise<StoreOutcome | "absent">;
  /** @returns false when the account has no such completion */
  removeChat(accountId: string, id: string): Promise<boolean>;

  /** Called by the sweeper. @returns how many chains were removed, a bounded number at a time */
  removeExpired(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
