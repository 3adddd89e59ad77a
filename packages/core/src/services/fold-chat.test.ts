import { expect, test } from "vitest";
import type { ChatEvent } from "./chat-request.ts";
import { foldChatEvents } from "./fold-chat.ts";

async function* play(events: readonly ChatEvent[]) {
  yield* events;
}

const usage = { promptTokens: 1, completionTokens: 2, cachedTokens: 3, reasoningTokens: 4 };
const end: ChatEvent = { type: "chat-end", usage };

test("interleaved choices are told apart, and come in the order of their indices", async () => {
  const token = (text: string) => ({ text, bytes: [], logprob: -1, top: [] });
  const say = (index: number, text: string): ChatEvent => ({
    type: "text-delta",
    index,
    text,
    logprobs: index === 0 ? null : [token(text)],
  });
  const folded = await foldChatEvents(
    play([
      { type: "choice-start", index: 0 },
      { type: "choice-start", index: 1 },
      { type: "reasoning-delta", index: 1, text: "Hm" },
      say(1, "a"),
      say(0, "x"),
      { type: "reasoning-delta", index: 1, text: "m" },
      say(1, "b"),
      say(0, "y"),
      { type: "choice-end", index: 1, finishReason: "length" },
      { type: "choice-end", index: 0, finishReason: "stop" },
      end,
    ]),
  );
  const [first, second] = folded.choices;
  expect(folded.choices).toHaveLength(2);
  expect(first).toEqual({ index: 0, reasoning: "", text: "xy", toolCalls: [], logprobs: null, finishReason: "stop" });
  expect(second).toEqual({
    index: 1,
    reasoning: "Hmm",
    text: "ab",
    toolCalls: [],
    logprobs: [token("a"), token("b")],
    finishReason: "length",
  });
  expect(folded.usage).toEqual(usage);
});

test("the pieces of each call are joined, whichever comes next", async () => {
  const piece = (callIndex: number, text: string): ChatEvent => ({
    type: "tool-call-delta",
    index: 0,
    callIndex,
    kind: "function",
    text,
  });
  const open = (callIndex: number): ChatEvent => ({
    type: "tool-call-start",
    index: 0,
    callIndex,
    id: `call_${callIndex}`,
    kind: "function",
    name: "f",
  });
  const { choices } = await foldChatEvents(
    play([
      { type: "choice-start", index: 0 },
      open(0),
      piece(0, "{"),
      open(1),
      piece(1, "["),
      piece(0, "}"),
      piece(1, "]"),
      { type: "choice-end", index: 0, finishReason: "tool-calls" },
      end,
    ]),
  );
  expect(choices[0]?.toolCalls).toEqual([
    { id: "call_0", kind: "function", name: "f", text: "{}" },
    { id: "call_1", kind: "function", name: "f", text: "[]" },
  ]);
});

test("a stream that ends without its last event is no answer, and its own failure comes first", async () => {
  await expect(foldChatEvents(play([{ type: "choice-start", index: 0 }]))).rejects.toMatchObject({
    code: "engine_failed",
    message: expect.stringContaining("before the answer was complete"),
  });
  async function* fail(): AsyncGenerator<ChatEvent> {
    yield end;
    throw new Error("not settled");
  }
  await expect(foldChatEvents(fail())).rejects.toThrow("not settled");
});
