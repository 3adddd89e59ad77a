/**
 * The last response of each lane of a connection: the lane's next one can go on from it, stored or not. It is forgotten
 * when a response of the lane fails, and where there is no room for it: in what an account may store, or in the memory
 * that the account's connections share with its requests.
 */

import type { StoredItem, StoredResponse } from "@openai-compat/core";
import type { BodyShare } from "../../../../http/body-budget.ts";
import type { LastEvent } from "../encode-stream.ts";
import type { ResponseState, StateReader } from "../resolve-state.ts";
import { createItemId } from "../response-builder.ts";

/** Of one connection; the one that was used least recently makes room. */
export const LANES_MAX = 16;

export interface ConnectionMemory {
  /** The store, and what is remembered. */
  readonly reader: StateReader;
  remember(lane: string | undefined, last: LastEvent, state: ResponseState): void;
  forget(lane: string | undefined): void;
  /** When the connection has ended. */
  clear(): void;
}

export interface MemoryOptions {
  readonly responses: StateReader;
  readonly accountId: string;
  /** Of all that is remembered. */
  readonly bytesMax: number;
  readonly openShare: () => BodyShare;
}

interface Remembered {
  readonly response: StoredResponse;
  readonly share: BodyShare;
}

export function createConnectionMemory(options: MemoryOptions): ConnectionMemory {
  const { responses, accountId } = options;
  const lanes = new Lanes(options);
  return {
    reader: {
      findChain: async (account, id) => {
        const found = lanes.list().find((response) => response.id === id);
        return found === undefined ? responses.findChain(account, id) : [found];
      },
      findConversation: (account, id) => responses.findConversation(account, id),
      listItems: (account, id, page) => responses.listItems(account, id, page),
      async findItems(account, ids) {
        const named = new Set(ids);
        const known = lanes.list().flatMap((response) => [...response.input, ...listOutput(response)]);
        return new Map([
          ...(await responses.findItems(account, ids)),
          ...known.filter(({ id }) => named.has(id)).map((item) => [item.id, item] as const),
        ]);
      },
    },
    remember(lane, { response }, { items, conversationId }) {
      // Of all turns: what came before may be stored nowhere.
      const input = items.map(({ item }) => {
        const id = item.id ?? createItemId("item");
        return { id, item: { ...item, id } };
      });
      const createdAtMs = response.created_at * 1000;
      const { id } = response;
      const turn = { previousResponseId: null, conversationId, response, input };
      lanes.put(lane, { id, accountId, createdAtMs, expiresAtMs: 0, ...turn });
    },
    forget: (lane) => lanes.remove(lane),
    clear: () => lanes.clear(),
  };
}

/** The least recently used one is the first. */
class Lanes {
  readonly #options: MemoryOptions;
  readonly #lanes = new Map<string | undefined, Remembered>();

  constructor(options: MemoryOptions) {
    this.#options = options;
  }

  list(): readonly StoredResponse[] {
    return [...this.#lanes.values()].map(({ response }) => response);
  }

  put(lane: string | undefined, response: StoredResponse): void {
    this.remove(lane);
    const { bytesMax, openShare } = this.#options;
    const bytes = Buffer.byteLength(JSON.stringify(response));
    if (bytes > bytesMax) return;
    for (const [oldest] of this.#lanes) {
      if (this.#lanes.size < LANES_MAX && this.#bytes() + bytes <= bytesMax) break;
      this.remove(oldest);
    }
    const share = openShare();
    try {
      share.take(bytes);
    } catch {
      // The connection goes on without it: its client gets previous_response_not_found.
      return share.release();
    }
    this.#lanes.set(lane, { response, share });
  }

  remove(lane: string | undefined): void {
    this.#lanes.get(lane)?.share.release();
    this.#lanes.delete(lane);
  }

  clear(): void {
    for (const [lane] of this.#lanes) this.remove(lane);
  }

  #bytes(): number {
    return [...this.#lanes.values()].reduce((sum, { share }) => sum + share.bytes(), 0);
  }
}

function listOutput({ response }: StoredResponse): readonly StoredItem[] {
  const output: readonly unknown[] = Array.isArray(response["output"]) ? response["output"] : [];
  return output.flatMap((item) =>
    typeof item === "object" && item !== null && "id" in item && typeof item.id === "string"
      ? [{ id: item.id, item: { ...item } }]
      : [],
  );
}
