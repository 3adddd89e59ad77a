/** What only a model with trained weights can show. Runs when the catalogue's chat model is in the cache. */

import { afterAll, expect, test } from "vitest";
import { collectGeneration, GREEDY, PLAIN, prepareChat, prepareText } from "@openai-compat/core/engine-contract";
import type { ChatEngine, ChatMessage, GenerationRequest } from "@openai-compat/core";
import { findCachedModel } from "../models/index.ts";
import { createLlamaEngine } from "./llama-engine.ts";

const never = new AbortController().signal;
const cached = await findCachedModel("smollm2-135m-instruct");
const engine: ChatEngine | null =
  cached === null ? null : createLlamaEngine({ modelPath: cached.path, concurrency: 8, contextTokens: 1024 });
afterAll(async () => engine?.close());

async function answer(question: string): Promise<string> {
  if (engine === null) throw new Error("This test needs the model.");
  const messages: ChatMessage[] = [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: question },
  ];
  const prompt = await prepareChat(engine, messages);
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

test("a long text of SmolLM2 has the tokens that it has in one piece", async ({ skip }) => {
  if (cached === null) return skip("smollm2-135m-instruct is not in the cache: pull it to run this test");
  const { getLlama } = await import("node-llama-cpp");
  const llama = await getLlama({ gpu: false, build: "never" });
  const model = await llama.loadModel({ modelPath: cached.path, vocabOnly: true });
  const texts = [
    "The river isn't wide; its 1,024 stones (all grey) don't move.\n\n".repeat(400),
    "const value = list.map((item) => item.name ?? 'none');\n    // next\n".repeat(400),
    "今天天气很好，我们去公园散步。".repeat(1000),
    "Ça a été l'été où l'on s'est baigné… ".repeat(700),
  ];
  if (engine === null) throw new Error("This test needs the model.");
  for (const text of texts) {
    const { tokens } = await prepareText(engine, text.slice(0, 20_000));
    expect(tokens).toEqual(model.tokenize(text.slice(0, 20_000), true));
    const message: ChatMessage = { role: "user", content: text.slice(0, 20_000) };
    const prompt = await prepareChat(engine, [message]);
    const whole = model.tokenize(`<|im_start|>user\n${message.content}<|im_end|>\n<|im_start|>assistant\n`, true);
    expect(prompt.tokens.slice(-whole.length)).toEqual(whole);
  }
  await model.dispose();
}, 120_000);

async function goOn(text: string, overrides: Partial<GenerationRequest> = {}) {
  if (engine === null) throw new Error("This test needs the model.");
  const prompt = await prepareText(engine, text);
  const request = { ...PLAIN, prompt, style: "text" as const, tokensMax: 12, stop: [], sampling: GREEDY, ...overrides };
  return collectGeneration(engine.generate(request, never));
}

test("SmolLM2 scores its own words in a prompt as it scored them when it wrote them", async ({ skip }) => {
  skip(cached === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  const start = "The capital of France is";
  const written = await goOn(start, { topLogprobs: 3 });
  expect(written.text).toContain("Paris");
  const scored = await goOn(start + written.text, { topLogprobs: 3, scoresPrompt: true, tokensMax: 0 });
  const own = scored.promptLogprobs?.slice(-written.logprobs.length) ?? [];
  expect(own.map(({ text }) => text)).toEqual(written.logprobs.map(({ text }) => text));
  for (const [index, { logprob }] of own.entries())
    expect(logprob).toBeCloseTo(written.logprobs[index]?.logprob ?? 1, 3);
});

test("SmolLM2 scores control tokens of a prompt too, and goes on the same whether it is scored or not", async ({
  skip,
}) => {
  skip(cached === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  const text = `<|im_start|>user\n${"Tell me of the sea. ".repeat(20)}<|im_end|>\n<|im_start|>assistant\n`;
  const scored = await goOn(text, { topLogprobs: 1, scoresPrompt: true });
  const texts = scored.promptLogprobs?.map((token) => token.text) ?? [];
  expect(texts.join("")).toBe(text);
  expect(scored.promptLogprobs?.[texts.indexOf("<|im_end|>")]?.logprob).toBeGreaterThan(-40);
  expect((await goOn(text, { topLogprobs: 1 })).text).toBe(scored.text);
});
