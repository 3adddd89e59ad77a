/** Random sequences of calls to a store of responses: what must hold after each of them. Import it from a test only. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { ResponseStore, StoredItem, StoredResponse } from "./response-store.ts";

const RUNS = 25;
const STEPS_MAX = 30;
const ACCOUNTS = ["ada", "bob"] as const;
/** Few, so that steps meet each other's objects often. */
const RESPONSES = ["resp_0", "resp_1", "resp_2", "resp_3", "resp_4"] as const;
const CONVERSATIONS = ["conv_0", "conv_1"] as const;
const CHATS = ["chat_0", "chat_1"] as const;
const AMPLE = 10_000_000;
/** Room for a few objects of a step. */
const SCARCE = 12_000;

const accountId = fc.constantFrom(...ACCOUNTS);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("insert-response" as const),
      accountId,
      id: fc.constantFrom(...RESPONSES),
      previousResponseId: fc.option(fc.constantFrom(...RESPONSES)),
      conversationId: fc.option(fc.constantFrom(...CONVERSATIONS)),
      size: fc.integer({ min: 0, max: 4000 }),
    }),
  },
  fc.record({ kind: fc.constant("remove-response" as const), accountId, id: fc.constantFrom(...RESPONSES) }),
  fc.record({ kind: fc.constant("insert-conversation" as const), accountId, id: fc.constantFrom(...CONVERSATIONS) }),
  fc.record({ kind: fc.constant("remove-conversation" as const), accountId, id: fc.constantFrom(...CONVERSATIONS) }),
  fc.record({
    kind: fc.constant("append" as const),
    accountId,
    id: fc.constantFrom(...CONVERSATIONS),
    size: fc.integer({ min: 0, max: 4000 }),
  }),
  fc.record({
    kind: fc.constant("insert-chat" as const),
    accountId,
    id: fc.constantFrom(...CHATS),
    size: fc.integer({ min: 0, max: 4000 }),
  }),
  fc.record({ kind: fc.constant("remove-chat" as const), accountId, id: fc.constantFrom(...CHATS) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

export function responseStoreProperties(name: string, open: () => Promise<ResponseStore>): void {
  test(`${name} keeps accounts apart and within their limit, whatever comes after what`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
        const store = await open();
        for (const [nowMs, next] of steps.entries()) {
          const outcome = await apply(store, next, { nowMs, bytesMax: SCARCE });
          if (outcome === "removed") expect(await readAll(store, next.accountId)).not.toHaveProperty(next.id);
          for (const owner of ACCOUNTS) {
            const found = Object.values(await readAll(store, owner));
            for (const one of found) expect(JSON.stringify(one)).not.toContain(`of ${otherThan(owner)}`);
            expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThanOrEqual(SCARCE);
          }
        }
        await store.close();
      }),
      { numRuns: RUNS },
    );
  });

  test(`${name} has all that was stored and not removed where there is room, whatever comes after what`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: STEPS_MAX }), async (steps) => {
        const store = await open();
        /** By account and id: the conversation that it goes with. */
        const model = new Map<string, string | null>();
        for (const [nowMs, next] of steps.entries()) {
          applyToModel(model, next, await apply(store, next, { nowMs, bytesMax: AMPLE }));
          for (const owner of ACCOUNTS) {
            const kept = [...model.keys()].filter((key) => key.startsWith(owner)).map((key) => key.slice(4));
            expect(Object.keys(await readAll(store, owner)).toSorted()).toEqual(kept.toSorted());
          }
        }
        await store.close();
      }),
      { numRuns: RUNS },
    );
  });

  test(`${name} stores a chain of 1,000 responses turn by turn, each turn alone`, async () => {
    const store = await open();
    const bytesMax = 2_000_000;
    let previousResponseId: string | null = null;
    for (let turn = 0; turn < 1000; turn += 1) {
      const id = `resp_${turn}`;
      const response = makeResponse(
        { accountId: "ada", id, previousResponseId, conversationId: null, size: 100 },
        turn,
      );
      // A turn that held those before it would not fit after a few of them.
      expect(await store.insertResponse(response, { bytesMax })).toBe("stored");
      previousResponseId = id;
    }
    const chain = await store.findChain("ada", "resp_999");
    expect(chain?.map(({ id }) => id)).toEqual(Array.from({ length: 1000 }, (_, turn) => `resp_${turn}`));
    await store.close();
  });
}

/** What a step came to. */
type Outcome = "removed" | "stored" | "nothing";

async function apply(
  store: ResponseStore,
  next: Step,
  { nowMs, bytesMax }: { readonly nowMs: number; readonly bytesMax: number },
): Promise<Outcome> {
  const { accountId: owner, id } = next;
  const use = { nowMs, expiresAtMs: 1_000_000, bytesMax };
  const known = await readAll(store, owner);
  const isKnown = id in known;
  const mapStored = (outcome: string): Outcome => (outcome === "stored" ? "stored" : "nothing");
  switch (next.kind) {
    case "insert-response": {
      // A taken id is an error, which the contract is about.
      if (isKnown) return "nothing";
      return mapStored(await store.insertResponse(makeResponse(next, nowMs), use));
    }
    case "insert-conversation":
      if (isKnown) return "nothing";
      return mapStored(
        await store.insertConversation({ id, accountId: owner, createdAtMs: nowMs, metadata: {} }, [], use),
      );
    case "insert-chat": {
      if (isKnown) return "nothing";
      const completion = { id, text: `of ${owner}${"x".repeat(next.size)}` };
      return mapStored(
        await store.insertChat({ id, accountId: owner, createdAtMs: nowMs, completion, messages: [] }, use),
      );
    }
    case "append": {
      const outcome = await store.appendItems(next, [makeItem(owner, `msg_${nowMs}`, next.size)], use);
      expect(outcome === "absent").toBe(!isKnown);
      return "nothing";
    }
    case "remove-response":
      return mapRemoved(await store.removeResponse(owner, id), isKnown);
    case "remove-conversation":
      return mapRemoved(await store.removeConversation(owner, id), isKnown);
    case "remove-chat":
      return mapRemoved(await store.removeChat(owner, id), isKnown);
  }
}

function mapRemoved(isRemoved: boolean, isKnown: boolean): Outcome {
  expect(isRemoved).toBe(isKnown);
  return isRemoved ? "removed" : "nothing";
}

function applyToModel(model: Map<string, string | null>, next: Step, outcome: Outcome): void {
  const key = `${next.accountId} ${next.id}`;
  if (outcome === "stored") model.set(key, next.kind === "insert-response" ? findHome(model, next) : null);
  if (outcome !== "removed") return;
  model.delete(key);
  if (next.kind !== "remove-conversation") return;
  for (const [other, home] of model) if (home === key) model.delete(other);
}

/** The conversation whose chain a response joins. */
function findHome(model: Map<string, string | null>, next: Step & { readonly kind: "insert-response" }): string | null {
  const { accountId: owner, previousResponseId, conversationId } = next;
  if (previousResponseId !== null) return model.get(`${owner} ${previousResponseId}`) ?? null;
  const home = `${owner} ${conversationId}`;
  return conversationId !== null && model.has(home) ? home : null;
}

/** All that an account has, by its id. */
async function readAll(store: ResponseStore, owner: string): Promise<Readonly<Record<string, unknown>>> {
  const page = { after: null, limit: 100, order: "asc" } as const;
  const found: Record<string, unknown> = {};
  for (const id of RESPONSES) found[id] = await store.findResponse(owner, id);
  for (const id of CHATS) found[id] = await store.findChat(owner, id);
  for (const id of CONVERSATIONS) {
    const conversation = await store.findConversation(owner, id);
    const items = await store.listItems(owner, id, page);
    if (conversation === null) expect(items).toEqual({ data: [], hasMore: false });
    else found[id] = { conversation, items };
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
}

function otherThan(owner: string): string {
  return owner === "ada" ? "bob" : "ada";
}

function makeItem(owner: string, id: string, size: number): StoredItem {
  return { id, item: { id, type: "message", text: `of ${owner}${"x".repeat(size)}` } };
}

type Inserted = Pick<StoredResponse, "accountId" | "id" | "previousResponseId" | "conversationId"> & {
  readonly size: number;
};

function makeResponse({ size, ...response }: Inserted, nowMs: number): StoredResponse {
  const { accountId: owner, id } = response;
  return {
    ...response,
    createdAtMs: nowMs,
    expiresAtMs: 1_000_000,
    response: { id, output: [makeItem(owner, `out_${id}_${nowMs}`, 0).item] },
    input: [makeItem(owner, `in_${id}_${nowMs}`, size)],
  };
}
