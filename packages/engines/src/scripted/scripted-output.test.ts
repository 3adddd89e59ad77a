import { FREE_TEXT } from "@openai-compat/core";
import type { ChatMessage, ChatOutput, ChatTool, GenerationOptions, JsonSchema } from "@openai-compat/core";
import { PLAIN, collectGeneration, prepareChat } from "@openai-compat/core/engine-contract";
import { expect, test } from "vitest";
import { createScriptedEngine } from "./scripted-engine.ts";

const never = new AbortController().signal;
const engine = createScriptedEngine();

const tool = (name: string, parameters: JsonSchema | null = null): ChatTool => ({
  name,
  description: null,
  parameters,
  isStrict: true,
  kind: "function",
  schemaParam: `tools.${name}.parameters`,
});
const city = {
  type: "object",
  properties: { city: { type: "string" }, unit: { enum: ["celsius", "kelvin"] }, near: { type: "boolean" } },
  required: ["city", "unit"],
};
const tools = [tool("rain", city), tool("snow")];

async function run(
  content: string | readonly ChatMessage[],
  output: Partial<ChatOutput>,
  options: Partial<GenerationOptions & { tokensMax: number; stop: string[] }> = {},
) {
  const messages: readonly ChatMessage[] = typeof content === "string" ? [{ role: "user", content }] : content;
  const requested = { ...FREE_TEXT, ...output };
  const prompt = await prepareChat(engine, messages, { ...options, output: requested });
  const request = { ...PLAIN, tokensMax: 300, stop: [], ...options, prompt, output: requested };
  return collectGeneration(engine.generate(request, never));
}

test("it calls the tools that the last message names, and ends for that reason", async () => {
  const { toolCalls, text, finishReason } = await run("rain or snow?", {
    toolUse: { tools, mode: "auto", parallel: true },
  });
  expect(toolCalls).toEqual([
    {
      name: "rain",
      arguments: expect.stringMatching(
        /^\{"city": ?"[a-z]*", ?"unit": ?"(?:celsius|kelvin)"(?:, ?"near": ?(?:true|false))?\}$/,
      ),
    },
    { name: "snow", arguments: "{}" },
  ]);
  expect([text, finishReason]).toEqual(["", "tool-calls"]);
});

test("without parallel calls it calls one", async () => {
  const { toolCalls } = await run("snow or rain?", { toolUse: { tools, mode: "auto", parallel: false } });
  expect(toolCalls.map(({ name }) => name)).toEqual(["rain"]);
});

test("it calls a required tool that the prompt does not name, and no optional one", async () => {
  const required = await run("Hello", { toolUse: { tools, mode: "required", parallel: true } });
  expect(required.toolCalls.map(({ name }) => name)).toEqual(["rain"]);
  const auto = await run("Hello", { toolUse: { tools, mode: "auto", parallel: true } });
  expect(auto.toolCalls).toEqual([]);
  expect(auto.finishReason).toBe("stop");
});

test("the answer of a tool is answered with words, and calls nothing again", async () => {
  const { toolCalls, text } = await run(
    [
      { role: "user", content: "rain?" },
      { role: "assistant", content: "", toolCalls: [{ id: "1", name: "rain", arguments: "{}" }] },
      { role: "tool", content: "rain: none", toolCallId: "1" },
    ],
    { toolUse: { tools, mode: "auto", parallel: true } },
  );
  expect(toolCalls).toEqual([]);
  expect(text).toContain("rain?");
});

test("JSON and calls that meet the token limit are completed in time, and report the limit", async () => {
  const format = { type: "json-schema", schema: city, isStrict: true } as const;
  const whole = await run("rain", { format });
  for (let tokensMax = 24; tokensMax < whole.completionTokens; tokensMax += 1) {
    const { text, finishReason, completionTokens } = await run("rain", { format }, { tokensMax });
    expect(finishReason).toBe("length");
    expect(completionTokens).toBeLessThanOrEqual(tokensMax);
    expect(JSON.parse(text)).toMatchObject({ city: expect.any(String), unit: expect.stringMatching(/celsius|kelvin/) });
  }
  const reply = await run("Hello", { format: { type: "json-object" } }, { tokensMax: 12 });
  expect(JSON.parse(reply.text)).toEqual({ reply: expect.any(String) });
  const both = { toolUse: { tools: [tool("snow"), tool("rain", city)], mode: "auto", parallel: true } } as const;
  const calls = await run("snow, rain", both, { tokensMax: 8 });
  // The second has no room and is left out; the first is whole, so it is a call like any other.
  expect(calls).toMatchObject({ toolCalls: [{ name: "snow", arguments: "{}" }], finishReason: "tool-calls" });
});

test("calls that the token limit cuts end for that reason", async () => {
  const cut = await run("rain", { toolUse: { tools, mode: "auto", parallel: true } }, { tokensMax: 5 });
  expect(cut).toMatchObject({ completionTokens: 5, finishReason: "length" });
  expect(cut.toolCalls[0]?.arguments).toMatch(/^\{"city"/);
});

test("JSON is JSON, and a stop string cuts it too", async () => {
  const { text } = await run("Hello", { format: { type: "json-object" } });
  expect(JSON.parse(text)).toEqual({ reply: expect.stringContaining("you wrote: “Hello”") });
  const { text: cut } = await run(
    "Hello",
    { format: { type: "json-schema", schema: city, isStrict: true } },
    { stop: ["unit"] },
  );
  expect(cut).toMatch(/^\{"city": ?"[a-z]*", ?"$/);
});

test("the same schema gets the same JSON, whatever the conversation is", async () => {
  const format = { type: "json-schema", schema: city, isStrict: true } as const;
  expect((await run("Hello", { format })).text).toBe((await run("Good night", { format })).text);
});

test("a schema that can't be enforced is refused by keyword and path", async () => {
  const schema = { type: "object", properties: { a: { type: "string", pattern: "(?<=a)" } } };
  await expect(run("Hello", { format: { type: "json-schema", schema, isStrict: true } })).rejects.toMatchObject({
    code: "invalid_value",
    param: "response_format.json_schema.schema",
    message: expect.stringContaining("'/properties/a': 'pattern' can't be enforced"),
  });
  await expect(
    run("Hello", { toolUse: { tools: [tool("t", schema)], mode: "auto", parallel: true } }),
  ).rejects.toMatchObject({ code: "invalid_value", param: "tools.t.parameters" });
});

test("probabilities form a valid distribution, and their bytes are the text", async () => {
  const { text, logprobs } = await run("Hello", {}, { topLogprobs: 3 });
  expect(Buffer.from(logprobs.flatMap(({ bytes }) => bytes)).toString()).toBe(text);
  for (const { text: token, logprob, top } of logprobs) {
    expect(top).toHaveLength(3);
    expect(top[0]).toMatchObject({ text: token, logprob });
    expect(top.reduce((sum, other) => sum + Math.exp(other.logprob), 0)).toBeLessThanOrEqual(1);
  }
});
