/** Entries that are forgotten when the process ends. */

import { EXPIRED_CHAINS_MAX, countEntryBytes, takePage } from "./entry-store.ts";
import type { Addition, Entry, EntryKey, EntryList, EntryPage, EntryStore, NewEntry } from "./entry-store.ts";

interface Chain {
  readonly id: string;
  readonly entries: Set<Kept>;
  bytes: number;
  usedAtMs: number;
  expiresAtMs: number;
}

interface Kept extends NewEntry, Entry {
  readonly chain: Chain;
}

interface Account {
  bytes: number;
  readonly chains: Map<string, Chain>;
  /** By `printKey`, the oldest first. */
  readonly entries: Map<string, Kept>;
  /** By the id of an item, the oldest first. */
  readonly byItem: Map<string, Set<Kept>>;
}

export function createMemoryEntries(): EntryStore {
  const accounts = new Map<string, Account>();
  const findKept = (key: EntryKey) => accounts.get(key.accountId)?.entries.get(printKey(key));
  return {
    async insert(addition) {
      const account = accounts.get(addition.accountId) ?? createAccount();
      const outcome = insert(account, addition);
      if (outcome === "stored") accounts.set(addition.accountId, account);
      return outcome;
    },
    find: async (key) => findKept(key) ?? null,
    async findChain(accountId, responseId) {
      const found: Entry[] = [];
      let id: string | null = responseId;
      while (id !== null) {
        const entry: Entry | undefined = findKept({ accountId, kind: "response", id, chainId: null });
        if (entry === undefined) break;
        found.push(entry);
        id = entry.previousId;
      }
      return found;
    },
    async findByItems(accountId, itemIds) {
      const byItem = accounts.get(accountId)?.byItem;
      return new Map(
        itemIds.flatMap((id) => {
          const newest = [...(byItem?.get(id) ?? [])].at(-1);
          return newest === undefined ? [] : [[id, newest] as const];
        }),
      );
    },
    list: async (page) => list(accounts.get(page.accountId), page),
    async replace(key, content, { bytesMax }) {
      const [account, entry] = [accounts.get(key.accountId), findKept(key)];
      if (account === undefined || entry === undefined) return "absent";
      const bytes = content.byteLength - entry.content.byteLength;
      if (!makeRoom(account, entry.chain, { bytes, bytesMax })) return "full";
      const changed = { ...entry, content };
      // In its place, so that the order stays.
      account.entries.set(printKey(key), changed);
      swap(entry.chain.entries, entry, changed);
      for (const id of entry.itemIds) swap(account.byItem.get(id), entry, changed);
      addBytes(account, entry.chain, bytes);
      return "stored";
    },
    async remove(key, extent) {
      const [account, entry] = [accounts.get(key.accountId), findKept(key)];
      if (account === undefined || entry === undefined) return false;
      if (extent === "chain") removeChain(account, entry.chain);
      else removeEntry(account, entry);
      if (account.chains.size === 0) accounts.delete(key.accountId);
      return true;
    },
    async removeExpired(nowMs) {
      let removed = 0;
      for (const [id, account] of accounts) {
        for (const chain of account.chains.values()) {
          if (chain.expiresAtMs > nowMs) continue;
          if (removed >= EXPIRED_CHAINS_MAX) return removed;
          removeChain(account, chain);
          removed += 1;
        }
        if (account.chains.size === 0) accounts.delete(id);
      }
      return removed;
    },
    async close() {
      accounts.clear();
    },
  };
}

function createAccount(): Account {
  return { bytes: 0, chains: new Map(), entries: new Map(), byItem: new Map() };
}

function printKey({ kind, id, chainId }: Omit<EntryKey, "accountId">): string {
  return JSON.stringify([kind, kind === "item" ? chainId : null, id]);
}

function insert(account: Account, { chain: place, entries, onTaken, use }: Addition) {
  const chain = findChain(account, place, use);
  if (chain === undefined) return "absent";
  const isTaken = (entry: NewEntry) => account.entries.has(printKey({ ...entry, chainId: chain.id }));
  const added = entries.filter((entry) => !isTaken(entry));
  const taken = entries.filter(isTaken);
  if (taken.some(({ kind }) => kind !== "item")) throw new Error("There is an entry with this id already.");
  if (taken.length > 0 && onTaken === "refuse") return "taken";
  const bytes = added.reduce((sum, entry) => sum + countEntryBytes(entry), 0);
  if (!makeRoom(account, chain, { bytes, bytesMax: use.bytesMax })) return "full";
  account.chains.set(chain.id, chain);
  for (const entry of added) addEntry(account, { ...entry, chain, chainId: chain.id });
  addBytes(account, chain, bytes);
  chain.usedAtMs = Math.max(chain.usedAtMs, use.nowMs);
  chain.expiresAtMs = Math.max(chain.expiresAtMs, use.expiresAtMs);
  return "stored";
}

/** Undefined when there is nothing to join. */
function findChain(account: Account, place: Addition["chain"], use: Addition["use"]): Chain | undefined {
  if ("joins" in place) return account.entries.get(printKey({ ...place.joins, chainId: null }))?.chain;
  const { nowMs: usedAtMs, expiresAtMs } = use;
  return { id: place.begins, entries: new Set(), bytes: 0, usedAtMs, expiresAtMs };
}

/** Evicts other chains, the least recently used first. @returns false when the chain alone would exceed the limit */
function makeRoom(account: Account, chain: Chain, { bytes, bytesMax }: { bytes: number; bytesMax: number }): boolean {
  if (bytes > 0 && chain.bytes + bytes > bytesMax) return false;
  if (account.bytes + bytes <= bytesMax) return true;
  const others = [...account.chains.values()].filter((other) => other !== chain);
  for (const other of others.toSorted((left, right) => left.usedAtMs - right.usedAtMs)) {
    removeChain(account, other);
    if (account.bytes + bytes <= bytesMax) break;
  }
  return true;
}

function addBytes(account: Account, chain: Chain, bytes: number): void {
  account.bytes += bytes;
  chain.bytes += bytes;
}

function addEntry(account: Account, entry: Kept): void {
  account.entries.set(printKey(entry), entry);
  entry.chain.entries.add(entry);
  for (const id of entry.itemIds) {
    const found = account.byItem.get(id) ?? new Set();
    account.byItem.set(id, found.add(entry));
  }
}

function removeEntry(account: Account, entry: Kept): void {
  const { chain } = entry;
  account.entries.delete(printKey(entry));
  chain.entries.delete(entry);
  for (const id of entry.itemIds) {
    const found = account.byItem.get(id);
    found?.delete(entry);
    if (found?.size === 0) account.byItem.delete(id);
  }
  addBytes(account, chain, -countEntryBytes(entry));
  if (chain.entries.size === 0) account.chains.delete(chain.id);
}

function removeChain(account: Account, chain: Chain): void {
  for (const entry of chain.entries) removeEntry(account, entry);
}

function swap(entries: Set<Kept> | undefined, before: Kept, after: Kept): void {
  if (entries === undefined) return;
  const all = [...entries].map((entry) => (entry === before ? after : entry));
  entries.clear();
  for (const entry of all) entries.add(entry);
}

function list(account: Account | undefined, page: EntryPage): EntryList | null {
  const { kind, chainId, after, order } = page;
  const all = [...(account?.entries.values() ?? [])].filter(
    (entry) => entry.kind === kind && (chainId === null || entry.chain.id === chainId),
  );
  const ordered = order === "asc" ? all : all.toReversed();
  const from = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  return after !== null && from === 0 ? null : takePage(ordered.slice(from), page);
}
