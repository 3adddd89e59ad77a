import { expect, test } from "vitest";
import { createBodyBudget } from "../../../../http/body-budget.ts";
import { createMemoryStores } from "../../../../stores/memory.ts";
import { composeResponse } from "../compose-response.ts";
import type { LastEvent } from "../encode-stream.ts";
import { LANES_MAX, createConnectionMemory } from "./connection-memory.ts";

const KIBIBYTE = 1024;
const MEBIBYTE = KIBIBYTE * KIBIBYTE;

function createBudget(accountBytes = MEBIBYTE) {
  return createBodyBudget({
    bodiesBytesMax: 8 * MEBIBYTE,
    accountBodiesBytesMax: accountBytes,
    bodyBytesMax: KIBIBYTE,
    smallBodyBytesMax: 0,
  });
}

function open({ bytesMax = MEBIBYTE, budget = createBudget() } = {}) {
  const { responses } = createMemoryStores();
  const memory = createConnectionMemory({ responses, accountId: "ada", bytesMax, openShare: () => budget.open("ada") });
  const remember = (id: string, lane?: string, text = "Hello.") => {
    const response = composeResponse({ model: "m" }, { id, createdAt: 1, conversationId: null });
    const last: LastEvent = { type: "response.completed", sequence_number: 2, response };
    const item = { id: `msg_${id}`, role: "user" as const, content: text };
    memory.remember(lane, last, {
      items: [{ item, param: "input" }],
      input: [],
      previousResponseId: null,
      conversationId: null,
    });
  };
  const finds = async (id: string) => (await memory.reader.findChain("ada", id)) !== null;
  return { ...memory, remember, finds };
}

test("the last response of each lane is found, with the items of all its turns", async () => {
  const { remember, finds, reader } = open();
  remember("one");
  remember("two", "a");
  remember("three", "a");
  expect([await finds("one"), await finds("two"), await finds("three")]).toEqual([true, false, true]);
  expect([...(await reader.findItems("ada", ["msg_one", "msg_two"])).keys()]).toEqual(["msg_one"]);
});

test("a failure in a lane forgets what that lane could have gone on from", async () => {
  const { remember, finds, forget } = open();
  remember("one");
  remember("two", "a");
  forget("a");
  expect([await finds("one"), await finds("two")]).toEqual([true, false]);
});

test("lanes are bounded in number: the one that was used least recently is forgotten", async () => {
  const { remember, finds } = open();
  for (let lane = 0; lane <= LANES_MAX; lane += 1) remember(`r${lane}`, `lane ${lane}`);
  expect([await finds("r0"), await finds("r1"), await finds(`r${LANES_MAX}`)]).toEqual([false, true, true]);
});

test("a response that is larger than what may be remembered is not, and others make room up to it", async () => {
  const { remember, finds } = open({ bytesMax: 16 * KIBIBYTE });
  remember("large", "a", "a".repeat(16 * KIBIBYTE));
  expect(await finds("large")).toBe(false);
  remember("one", "a", "a".repeat(9 * KIBIBYTE));
  remember("two", "b", "a".repeat(9 * KIBIBYTE));
  expect([await finds("one"), await finds("two")]).toEqual([false, true]);
});

test("connections share the memory of their account's requests, and give back what they held", async () => {
  const budget = createBudget(16 * KIBIBYTE);
  const [first, second] = [open({ budget }), open({ budget })];
  const text = "a".repeat(9 * KIBIBYTE);
  first.remember("one", undefined, text);
  second.remember("two", undefined, text);
  expect([await first.finds("one"), await second.finds("two")]).toEqual([true, false]);
  expect(() => budget.open("ada").take(9 * KIBIBYTE)).toThrow("too many large requests");
  first.clear();
  second.remember("two", undefined, text);
  expect([await first.finds("one"), await second.finds("two")]).toEqual([false, true]);
});
