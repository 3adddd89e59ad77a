/** What the catalogue's default chat model is chosen for. Runs when it is in the cache. */

import { afterAll, expect, test } from "vitest";
import { collectGeneration, GREEDY, PLAIN, prepareChat } from "@openai-compat/core/engine-contract";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatEngine, ChatOutput } from "@openai-compat/core";
import { findCachedModel } from "../models/index.ts";
import { createLlamaEngine } from "./llama-engine.ts";

const ID = "qwen2.5-coder-0.5b-instruct";
const SKIPPED = `${ID} is not in the cache: pull it to run this test`;
const never = new AbortController().signal;
const cached = await findCachedModel(ID);
const engine: ChatEngine | null =
  cached === null ? null : createLlamaEngine({ modelPath: cached.path, concurrency: 1, contextTokens: 1024 });
afterAll(async () => engine?.close());

async function answer(question: string, output: ChatOutput = FREE_TEXT) {
  if (engine === null) throw new Error("This test needs the model.");
  const prompt = await prepareChat(engine, [{ role: "user", content: question }], { output });
  const request = { ...PLAIN, prompt, output, tokensMax: 80, stop: [], sampling: GREEDY };
  return collectGeneration(engine.generate(request, never));
}

test("Qwen2.5-Coder knows the capital of France and stops", async ({ skip }) => {
  skip(cached === null, SKIPPED);
  expect(await answer("What is the capital of France?")).toMatchObject({
    text: expect.stringContaining("Paris"),
    finishReason: "stop",
  });
}, 120_000);

const tool = (name: string, ...numbers: readonly string[]) => ({
  name,
  description: null,
  parameters: {
    type: "object",
    properties: Object.fromEntries(numbers.map((key) => [key, { type: "number" }])),
    required: [...numbers],
    additionalProperties: false,
  },
  isStrict: true,
  kind: "function" as const,
  schemaParam: "tools[0].function.parameters",
});

test("Qwen2.5-Coder calls a tool, which it writes without tags", async ({ skip }) => {
  skip(cached === null, SKIPPED);
  const toolUse = { tools: [tool("add", "a", "b"), tool("negate", "a")], mode: "auto", parallel: true } as const;
  const { text, toolCalls, finishReason } = await answer("Please add 17 and 25.", { ...FREE_TEXT, toolUse });
  expect({ text, finishReason }).toEqual({ text: "", finishReason: "tool-calls" });
  expect(toolCalls.map(({ name }) => name)).toEqual(["add"]);
  expect(JSON.parse(toolCalls[0]?.arguments ?? "")).toEqual({ a: 17, b: 25 });
}, 120_000);
