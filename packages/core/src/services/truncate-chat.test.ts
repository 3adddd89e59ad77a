import fc from "fast-check";
import { expect, test } from "vitest";
import type { ChatMessage } from "../engine/chat-engine.ts";
import { prepareTruncated } from "./truncate-chat.ts";

class TooLong extends Error {}

/** A model with a context of so many messages, one of which is for the answer. */
function prepareFor(contextMessages: number) {
  const tried: number[] = [];
  return {
    tried,
    prepare: async (messages: readonly ChatMessage[]) => {
      tried.push(messages.length);
      if (messages.length > contextMessages) throw new TooLong();
      return messages;
    },
    isTooLong: (thrown: unknown) => thrown instanceof TooLong,
    hasRoom: (messages: readonly ChatMessage[]) => messages.length < contextMessages,
  };
}

const say = (role: ChatMessage["role"], content: string): ChatMessage => ({ role, content });
const texts = (messages: readonly ChatMessage[]) => messages.map(({ content }) => content).join(" ");

function converse(turns: number): ChatMessage[] {
  const earlier = Array.from({ length: turns }, (_, turn) => [say("user", `q${turn}`), say("assistant", `a${turn}`)]);
  return [say("system", "s"), ...earlier.flat(), say("user", "q")];
}

test("a conversation that fits stays as it is, and is prepared once", async () => {
  const model = prepareFor(10);
  expect(texts(await prepareTruncated(converse(3), model))).toBe("s q0 a0 q1 a1 q2 a2 q");
  expect(model.tried).toEqual([8]);
});

test("the oldest turns go, the system message and the last question stay", async () => {
  expect(texts(await prepareTruncated(converse(4), prepareFor(8)))).toBe("s q2 a2 q3 a3 q");
});

test("what is left out of a long conversation stays the same for some turns", async () => {
  const beginnings = new Set<string>();
  for (let turns = 100; turns < 120; turns += 1) {
    const kept = await prepareTruncated(converse(turns), prepareFor(40));
    beginnings.add(texts(kept.slice(0, 2)));
    expect(kept.length).toBeGreaterThan(30 * 0.75);
  }
  expect(beginnings.size).toBeLessThanOrEqual(6);
});

test("calls of the last question go with their outputs, oldest first, and the last of them stays", async () => {
  const steps = [1, 2, 3].flatMap((step) => [
    { ...say("assistant", `c${step}`), toolCalls: [{ id: `${step}`, name: "look", arguments: "{}" }] },
    { ...say("tool", `o${step}`), toolCallId: `${step}` },
  ]);
  const messages = [...converse(1), ...steps];
  expect(texts(await prepareTruncated(messages, prepareFor(7)))).toBe("s q c2 o2 c3 o3");
  expect(texts(await prepareTruncated(messages, prepareFor(5)))).toBe("s q c3 o3");
});

test("a conversation that has nothing to leave out is taken without room for much, and refused where it is too long", async () => {
  const messages = [say("system", "s"), say("user", "q")];
  expect(await prepareTruncated(messages, prepareFor(2))).toEqual(messages);
  await expect(prepareTruncated(messages, prepareFor(1))).rejects.toThrow(TooLong);
  await expect(prepareTruncated(converse(5), prepareFor(1))).rejects.toThrow(TooLong);
});

test("what fails for another reason is not tried again", async () => {
  const model = prepareFor(3);
  const failing = { ...model, prepare: () => Promise.reject(new Error("broken")) };
  await expect(prepareTruncated(converse(5), failing)).rejects.toThrow("broken");
});

test("any conversation keeps its system messages, its last question and its order, and is tried a bounded number of times", async () => {
  const role = fc.constantFrom("user", "assistant", "tool", "system");
  const conversation = fc.array(role, { minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(conversation, fc.integer({ min: 1, max: 50 }), async (roles, context) => {
      const messages = roles.map((each, index) => say(each, String(index)));
      const model = prepareFor(context);
      const kept = await prepareTruncated(messages, model).catch((thrown: unknown) => {
        expect(thrown).toBeInstanceOf(TooLong);
        return null;
      });
      expect(model.tried.length).toBeLessThanOrEqual(3 + Math.log2(messages.length + 1));
      if (kept === null) return;
      const places = kept.map((message) => messages.indexOf(message));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      const lastQuestion = messages.findLast((message) => message.role === "user");
      const needed = messages.filter((message) => message.role === "system" || message === lastQuestion);
      expect(kept).toEqual(expect.arrayContaining(needed));
    }),
  );
});
