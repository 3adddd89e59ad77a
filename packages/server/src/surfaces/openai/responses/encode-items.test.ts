import { inputItemSchema, itemSchema, validateShape } from "@openai-compat/spec";
import type { InputItem } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { encodeItems } from "./encode-items.ts";

const encode = (...items: readonly InputItem[]) => encodeItems(items.map((item) => inputItemSchema.parse(item)));

test("a message gets its type, an id, its status and its text as a part", () => {
  expect(encode({ role: "user", content: "Hello." })).toEqual([
    {
      id: expect.stringMatching(/^msg_[\da-f]{32}$/),
      item: {
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "user",
        status: "completed",
        content: [{ type: "input_text", text: "Hello." }],
      },
    },
  ]);
  const [answer] = encode({ role: "assistant", id: "msg_1", status: "incomplete", content: "Hi." });
  expect(answer).toMatchObject({ id: "msg_1", item: { status: "incomplete" } });
  expect(answer?.item["content"]).toEqual([{ type: "output_text", text: "Hi.", annotations: [], logprobs: [] }]);
});

test("an item keeps what it was sent with, and only what it lacks is added", () => {
  const call = { type: "function_call" as const, call_id: "call_1", name: "look", arguments: "{}", status: null };
  const [encoded] = encode({ ...call, id: null });
  expect(encoded?.item).toEqual({ ...call, id: expect.stringMatching(/^fc_/), status: "completed" });
  const reasoning = { type: "reasoning" as const, id: "rs_1", summary: [], content: null, encrypted_content: "x" };
  expect(encode(reasoning)).toEqual([{ id: "rs_1", item: reasoning }]);
});

test.each([0, {}, "text", [{ type: "x" }]])(
  "unknown fields of an item make no message of it: role, and content %j",
  (content) => {
    const call = {
      type: "function_call",
      id: "fc_1",
      call_id: "1",
      name: "look",
      arguments: "{}",
      role: "user",
      content,
    };
    const [encoded] = encodeItems([inputItemSchema.parse(call)]);
    expect(encoded?.item).toEqual({ ...call, status: "completed" });
  },
);

test("an id that is empty or taken by an earlier item is replaced", () => {
  const ids = encode(
    { role: "user", id: "a", content: "1" },
    { role: "user", id: "a", content: "2" },
    { role: "user", id: "", content: "3" },
  ).map(({ id }) => id);
  expect(ids).toEqual(["a", expect.stringMatching(/^msg_/), expect.stringMatching(/^msg_/)]);
  expect(new Set(ids).size).toBe(3);
});

test.each<InputItem>([
  { role: "developer", content: [{ type: "input_text", text: "Be brief." }] },
  { role: "assistant", content: [{ type: "output_text", text: "Yes." }] },
  { role: "user", content: [{ type: "input_image", image_url: "https://example.com/a.png" }] },
  { type: "function_call", call_id: "1", name: "look", arguments: "{}" },
  { type: "function_call_output", call_id: "1", output: "sand" },
  { type: "custom_tool_call", call_id: "1", name: "look", input: "sea" },
  { type: "custom_tool_call_output", call_id: "1", output: [{ type: "input_text", text: "sand" }] },
  { type: "reasoning", summary: null },
  { type: "compaction", encrypted_content: "x" },
  { type: "web_search_call" },
])("what is stored has the shape of a listed item, and can be sent again: %j", (item) => {
  const [encoded] = encode(item);
  expect(validateShape(itemSchema, encoded?.item)).toEqual([]);
  expect(inputItemSchema.safeParse(encoded?.item).success).toBe(true);
});
