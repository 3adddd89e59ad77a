import { expect, test } from "vitest";
import { foldChunks } from "./fold-chunks.ts";

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 7, model: "far" };
const chunk = (...choices: object[]) => ({ ...head, choices });
const piece = (delta: object, finish_reason: string | null = null, index = 0) => ({ index, delta, finish_reason });

test("texts are joined, and what is said once is kept", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const folded = foldChunks([
    chunk(piece({ role: "assistant", content: "" })),
    chunk(piece({ reasoning_content: "H" })),
    chunk(piece({ reasoning_content: "m", content: null })),
    chunk(piece({ content: "A" })),
    { ...chunk(piece({ content: "B" })), usage: null },
    chunk(piece({}, "stop")),
    { ...chunk(), usage, system_fingerprint: null },
  ]);
  const message = { role: "assistant", content: "AB", refusal: null, reasoning_content: "Hm" };
  expect(folded).toEqual({
    ...head,
    object: "chat.completion",
    choices: [{ index: 0, message, finish_reason: "stop", logprobs: null }],
    usage,
  });
});

test("calls and probabilities of several choices are put together by their index", () => {
  const token = (text: string) => ({ token: text, logprob: -1, bytes: null, top_logprobs: [] });
  const call = (index: number, text: string, first: object = {}) => ({
    index,
    ...first,
    function: { arguments: text },
  });
  const folded = foldChunks([
    chunk(
      { ...piece({ content: "b" }, null, 1), logprobs: { content: [token("b")], refusal: null } },
      piece({ tool_calls: [{ index: 0, id: "c0", type: "function", function: { name: "f", arguments: "" } }] }),
    ),
    chunk(
      { ...piece({ content: "c" }, "stop", 1), logprobs: { content: [token("c")], refusal: null } },
      piece({ tool_calls: [{ index: 1, id: "c1", type: "custom", custom: { name: "g", input: "x" } }] }),
    ),
    chunk(piece({ tool_calls: [call(0, '{"a"'), { index: 1, custom: { input: "y" } }] })),
    chunk(piece({ tool_calls: [call(0, ":1}")] }, "tool_calls")),
  ]);
  expect(folded["choices"]).toEqual([
    {
      index: 0,
      message: {
        content: null,
        refusal: null,
        tool_calls: [
          { id: "c0", type: "function", function: { name: "f", arguments: '{"a":1}' } },
          { id: "c1", type: "custom", custom: { name: "g", input: "xy" } },
        ],
      },
      finish_reason: "tool_calls",
      logprobs: null,
    },
    {
      index: 1,
      message: { content: "bc", refusal: null },
      finish_reason: "stop",
      logprobs: { content: [token("b"), token("c")], refusal: null },
    },
  ]);
});

test("the chunks are not changed, and no field of theirs reaches a prototype", () => {
  const delta: object = JSON.parse('{"content":"A","tool_calls":[{"index":0,"id":"a"}],"__proto__":{"polluted":true}}');
  const chunks = [chunk(piece(delta)), chunk(piece(delta))];
  const before = structuredClone(chunks);
  const folded = foldChunks(chunks);
  expect(chunks).toEqual(before);
  expect(Reflect.get({}, "polluted")).toBeUndefined();
  expect(folded["choices"]).toMatchObject([{ message: { content: "AA", tool_calls: [{ id: "a" }] } }]);
});
