/**
 * The last response of a connection: its next one can go on from it, stored or not. It is forgotten when a response
 * fails, and where it is larger than what an account may store.
 */

import type { StoredItem, StoredResponse } from "@openai-compat/core";
import type { LastEvent } from "../encode-stream.ts";
import type { ResponseState, StateReader } from "../resolve-state.ts";
import { createItemId } from "../response-builder.ts";

export interface ConnectionMemory {
  /** The store, and what is remembered. */
  readonly reader: StateReader;
  remember(last: LastEvent, state: ResponseState): void;
  forget(): void;
}

export interface MemoryOptions {
  readonly responses: StateReader;
  readonly accountId: string;
  readonly bytesMax: number;
}

export function createConnectionMemory({ responses, accountId, bytesMax }: MemoryOptions): ConnectionMemory {
  let last: StoredResponse | null = null;
  const listItems = (): readonly StoredItem[] => (last === null ? [] : [...last.input, ...listOutput(last)]);
  return {
    reader: {
      findChain: async (account, id) => (last?.id === id ? [last] : responses.findChain(account, id)),
      findConversation: (account, id) => responses.findConversation(account, id),
      listItems: (account, id, page) => responses.listItems(account, id, page),
      async findItems(account, ids) {
        const named = new Set(ids);
        const known = listItems().filter(({ id }) => named.has(id));
        return new Map([
          ...(await responses.findItems(account, ids)),
          ...known.map((item) => [item.id, item] as const),
        ]);
      },
    },
    remember({ response }, { items, conversationId }) {
      // Of all turns: what came before may be stored nowhere.
      const input = items.map(({ item }) => {
        const id = item.id ?? createItemId("item");
        return { id, item: { ...item, id } };
      });
      const createdAtMs = response.created_at * 1000;
      const id = response.id;
      last = { id, accountId, createdAtMs, expiresAtMs: 0, previousResponseId: null, conversationId, response, input };
      if (Buffer.byteLength(JSON.stringify(last)) > bytesMax) last = null;
    },
    forget() {
      last = null;
    },
  };
}

function listOutput({ response }: StoredResponse): readonly StoredItem[] {
  const output: readonly unknown[] = Array.isArray(response["output"]) ? response["output"] : [];
  return output.flatMap((item) =>
    typeof item === "object" && item !== null && "id" in item && typeof item.id === "string"
      ? [{ id: item.id, item: { ...item } }]
      : [],
  );
}
