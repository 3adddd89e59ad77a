import { inputItemSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { decodeInput } from "./decode-input.ts";

function decode(items: readonly unknown[], instructions: string | null = null) {
  const placed = items.map((item, index) => ({
    item: inputItemSchema.parse(item),
    param: `input[${index}]`,
  }));
  const open = (sealed: string) => (sealed.startsWith("own:") ? sealed.slice(4) : null);
  return decodeInput(placed, { instructions, openReasoning: open, openCompaction: open });
}

const call = (id: string) => ({ type: "function_call", call_id: id, name: "look", arguments: "{}" });
const output = (id: string, said: unknown = "found") => ({ type: "function_call_output", call_id: id, output: said });

test("instructions come first; developer is system; text parts are joined", () => {
  expect(
    decode(
      [
        { role: "developer", content: "Be brief." },
        {
          type: "message",
          role: "user",
          content: [
            { type: "input_text", text: "a" },
            { type: "input_text", text: "b" },
          ],
        },
        {
          id: "msg_1",
          type: "message",
          role: "assistant",
          status: "completed",
          phase: "final_answer",
          content: [
            { type: "output_text", text: "c", annotations: [] },
            { type: "refusal", refusal: "d" },
          ],
        },
      ],
      "Be kind.",
    ),
  ).toEqual([
    { role: "system", content: "Be kind." },
    { role: "system", content: "Be brief." },
    { role: "user", content: "a\nb" },
    { role: "assistant", content: "c\nd" },
  ]);
});

test("an answer, its reasoning and the calls that follow are one turn", () => {
  expect(
    decode([
      { role: "user", content: "Look." },
      { type: "reasoning", id: "rs_1", summary: [], content: null, encrypted_content: "opaque" },
      { role: "assistant", content: "I look." },
      call("call_1"),
      { type: "custom_tool_call", id: "ctc_1", call_id: "call_2", name: "run", input: "ls" },
      output("call_1"),
      { type: "custom_tool_call_output", call_id: "call_2", output: [{ type: "input_text", text: "a.txt" }] },
    ]),
  ).toEqual([
    { role: "user", content: "Look." },
    {
      role: "assistant",
      content: "I look.",
      toolCalls: [
        { id: "call_1", name: "look", arguments: "{}" },
        { id: "call_2", name: "run", arguments: '{"input":"ls"}' },
      ],
    },
    { role: "tool", content: "found", toolCallId: "call_1" },
    { role: "tool", content: "a.txt", toolCallId: "call_2" },
  ]);
});

test("a call of a namespace goes by the name that the model knows", () => {
  const [turn] = decode([
    { ...call("call_1"), namespace: "agents", status: "completed", id: "fc_1" },
    output("call_1"),
  ]);
  expect(turn?.toolCalls?.[0]?.name).toBe("agents__look");
});

test("a call of a hosted tool that another server has run is shown with what it has found", () => {
  expect(
    decode([
      { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "sea" } },
      { type: "shell_call", call_id: "call_1", action: { commands: ["ls"] }, status: "completed" },
      { type: "shell_call_output", call_id: "call_1", output: [{ stdout: "a.txt", stderr: "" }] },
    ]),
  ).toMatchObject([
    { role: "assistant", toolCalls: [{ id: "ws_1", name: "web_search_call" }] },
    { role: "tool", toolCallId: "ws_1", content: expect.stringContaining("sea") },
    { role: "assistant", toolCalls: [{ id: "call_1", arguments: '{"action":{"commands":["ls"]}}' }] },
    { role: "tool", toolCallId: "call_1", content: expect.stringContaining("a.txt") },
  ]);
});

test("an output without its call and a call without its output are refused by their place", () => {
  expect(() => decode([output("call_1")])).toThrow(
    expect.objectContaining({
      code: "invalid_value",
      param: "input[0].call_id",
      message: "No tool call found for function call output with call_id call_1.",
    }),
  );
  expect(() => decode([{ role: "user", content: "a" }, call("call_1")])).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "input[1]" }),
  );
});

test.each([
  [[{ role: "user", content: [{ type: "input_image", image_url: "data:," }] }], "input[0].content[0].type"],
  [[call("call_1"), output("call_1", [{ type: "input_file", file_id: "file_1" }])], "input[1].output[0].type"],
  [[{ type: "program", id: "p", call_id: "c", code: "", fingerprint: "" }], "input[0].type"],
])("what is not text is refused by name: %j", (items, param) => {
  expect(() => decode(items)).toThrow(expect.objectContaining({ code: "unsupported_value", param }));
});

test("a compaction is an answer of the model before what follows it", () => {
  expect(
    decode([
      { role: "user", content: "Remember 7." },
      { type: "compaction", id: "cmp_1", encrypted_content: "own:The number is 7." },
      { role: "user", content: "Which number?" },
    ]),
  ).toEqual([
    { role: "user", content: "Remember 7." },
    { role: "assistant", content: "Summary of the conversation up to here:\nThe number is 7." },
    { role: "user", content: "Which number?" },
  ]);
});

test("a compaction that can't be opened is refused", () => {
  expect(() => decode([{ type: "compaction", encrypted_content: "foreign" }])).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "input[0].encrypted_content" }),
  );
});

const reasoned = (fields: object) => ({ type: "reasoning", id: "rs_1", summary: [], ...fields });

test.each([
  ["its text", { content: [{ type: "reasoning_text", text: "Hm." }], encrypted_content: "foreign" }, "Hm."],
  ["what is sealed", { content: null, encrypted_content: "own:Hm." }, "Hm."],
  ["its summary", { summary: [{ type: "summary_text", text: "Hm." }], encrypted_content: "foreign" }, "Hm."],
  ["nothing of a foreign one", { encrypted_content: "foreign" }, undefined],
])("reasoning goes with the answer or the call that follows: %s", (_, fields, reasoning) => {
  const [answer] = decode([reasoned(fields), { role: "assistant", content: "Yes." }]);
  expect(answer).toEqual({ role: "assistant", content: "Yes.", ...(reasoning === undefined ? {} : { reasoning }) });
  expect(decode([reasoned(fields), call("call_1"), output("call_1")])[0]?.reasoning).toBe(reasoning);
});
