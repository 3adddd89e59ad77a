import { expect, test } from "vitest";
import { showItem } from "./show-item.ts";

const show = (item: Readonly<Record<string, unknown>>, include?: readonly string[]) =>
  showItem({ id: "item_1", item }, include);

test.each([
  ["reasoning.encrypted_content", { type: "reasoning", summary: [], encrypted_content: "x" }],
  [
    "message.input_image.image_url",
    {
      type: "message",
      content: [
        { type: "input_image", image_url: "data:" },
        { type: "input_text", text: "a", image_url: "b" },
      ],
    },
  ],
  ["file_search_call.results", { type: "file_search_call", results: [1] }],
  ["web_search_call.results", { type: "web_search_call", results: [1] }],
  ["web_search_call.action.sources", { type: "web_search_call", action: { type: "search", sources: [1] } }],
  ["code_interpreter_call.outputs", { type: "code_interpreter_call", outputs: [1] }],
  ["computer_call_output.output.image_url", { type: "computer_call_output", output: { image_url: "data:" } }],
])("%s is shown only where it is named", (name, item) => {
  const key = name.slice(name.lastIndexOf(".") + 1);
  expect(show(item, [name])).toEqual({ ...item, id: "item_1" });
  const hidden = JSON.stringify(show(item, ["another"]));
  expect(hidden.split(`"${key}"`).length).toBe(JSON.stringify(item).split(`"${key}"`).length - 1);
});

test("a message without its probabilities has an empty list of them, and the stored item stays whole", () => {
  const item = {
    type: "message",
    content: [{ type: "output_text", text: "a", annotations: [], logprobs: [{ token: "a" }] }],
  };
  expect(show(item)["content"]).toEqual([{ type: "output_text", text: "a", annotations: [], logprobs: [] }]);
  expect(item.content[0]?.logprobs).toHaveLength(1);
});

test("items without such fields, and of odd forms, are shown as they are", () => {
  for (const item of [
    { type: "message", content: "text" },
    { type: "message" },
    { type: "web_search_call", action: 5 },
    {},
  ])
    expect(show(item)).toEqual({ ...item, id: "item_1" });
});
