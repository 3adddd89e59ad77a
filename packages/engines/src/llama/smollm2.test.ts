/** What only a model with trained weights can show. Runs when the catalogue's chat model is in the cache. */

import { afterAll, expect, test } from "vitest";
import { collectGeneration, GREEDY, PLAIN } from "@openai-compat/core/engine-contract";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatEngine, ChatMessage } from "@openai-compat/core";
import { findCachedModel } from "../models/index.ts";
import { createLlamaEngine } from "./llama-engine.ts";

const never = new AbortController().signal;
const cached = await findCachedModel("smollm2-135m-instruct");
const engine: ChatEngine | null =
  cached === null ? null : createLlamaEngine({ modelPath: cached.path, sequences: 8, contextTokens: 1024 });
afterAll(async () => engine?.close());

async function answer(question: string): Promise<string> {
  if (engine === null) throw new Error("This test needs the model.");
  const messages: ChatMessage[] = [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: question },
  ];
  const prompt = await engine.prepare(messages, FREE_TEXT, never);
  return (
    await collectGeneration(engine.generate({ ...PLAIN, prompt, tokensMax: 24, stop: [], sampling: GREEDY }, never))
  ).text;
}

test("SmolLM2 knows the capital of France", async ({ skip }) => {
  skip(cached === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  expect(await answer("What is the capital of France?")).toContain("Paris");
});

test("a text of SmolLM2 does not depend on its neighbours or on what is left of earlier prompts", async ({ skip }) => {
  skip(cached === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  const questions = ["the sea", "rain", "a very long list: ".concat("stones, rivers and clouds, ".repeat(12)), "cats"];
  const alone: string[] = [];
  for (const topic of questions) alone.push(await answer(`Tell me about ${topic}.`));
  for (let round = 0; round < 3; round += 1) {
    const asked = [...questions, ...questions].map((_, index) => (index * 3 + round) % questions.length);
    const texts = await Promise.all(asked.map(async (index) => answer(`Tell me about ${questions[index]}.`)));
    expect(texts).toEqual(asked.map((index) => alone[index]));
  }
}, 120_000);

test("eight prompts of SmolLM2 at once get the texts that they get one by one", async ({ skip }) => {
  skip(cached === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  const questions = ["a dragon", "rain", "Rome", "pancakes", "Ada Lovelace", "cats", "the sea", "three colours"];
  const alone = [];
  for (const topic of questions) alone.push(await answer(`Tell me about ${topic}.`));
  const together = await Promise.all(questions.map(async (topic) => answer(`Tell me about ${topic}.`)));
  expect(together).toEqual(alone);
}, 120_000);
