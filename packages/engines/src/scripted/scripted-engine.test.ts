import { expect, test } from "vitest";
import { chatEngineContract, collectGeneration, GREEDY, PLAIN, prepareChat } from "@openai-compat/core/engine-contract";
import type { ChatMessage } from "@openai-compat/core";
import { createScriptedEngine } from "./scripted-engine.ts";

const never = new AbortController().signal;
const question: ChatMessage[] = [{ role: "user", content: "What is a cat?" }];

chatEngineContract("scripted", {
  createEngine: () => createScriptedEngine({ contextTokens: 512 }),
  longPrompt: [{ role: "user", content: "Tell me a long story." }],
});

async function answer(messages: readonly ChatMessage[], logitBias: Record<number, number> = {}) {
  const engine = createScriptedEngine();
  const prompt = await prepareChat(engine, messages);
  const request = { ...PLAIN, prompt, tokensMax: 200, stop: [], sampling: { ...GREEDY, logitBias } };
  return { ...(await collectGeneration(engine.generate(request, never))), promptTokens: prompt.tokens.length };
}

test("the answer states checkable facts about the conversation", async () => {
  const { text, promptTokens, finishReason } = await answer([{ role: "system", content: "Be brief." }, ...question]);
  expect(text).toContain("👋🏽");
  expect(text).toContain("“What is a cat?”");
  expect(text).toContain("4 words in a conversation of 2 messages");
  expect(text).toContain(`a prompt of ${promptTokens} tokens`);
  expect(text).toContain("“Be brief.”");
  expect(finishReason).toBe("stop");
});

test("the words of the prompt are its tokens: one per role, one per short word", async () => {
  expect((await answer(question)).promptTokens).toBe(1 + 5 + 1);
});

test("a word with a bias of -100 is never sampled", async () => {
  const prompt = await prepareChat(createScriptedEngine(), [{ role: "user", content: "x words" }]);
  const words = prompt.tokens.at(-2) ?? 0;
  const { text } = await answer(question, { [words]: -100 });
  expect(text).not.toContain("4 words");
  expect(text).toContain("4 in a conversation");
});

test("a word with a bias of 100 is the only one that is sampled", async () => {
  const prompt = await prepareChat(createScriptedEngine(), [{ role: "user", content: "x words" }]);
  const words = prompt.tokens.at(-2) ?? 0;
  expect((await answer(question, { [words]: 100 })).text).toMatch(/^( words){40,}$/);
});

test("a bias for an unknown token is refused, as by a model that lacks it", async () => {
  const options = { ...PLAIN, sampling: { ...GREEDY, logitBias: { 1000: 5 } } };
  const refused = prepareChat(createScriptedEngine(), [{ role: "user", content: "x" }], options);
  await expect(refused).rejects.toMatchObject({ code: "invalid_value", param: "logit_bias" });
});

test("a narrow nucleus leaves the seed no choice", async () => {
  const texts = new Set<string>();
  for (let seed = 0; seed < 20; seed += 1) {
    const engine = createScriptedEngine();
    const prompt = await prepareChat(engine, question);
    const sampling = { ...GREEDY, temperature: 2, topP: 0.1, seed };
    const run = engine.generate({ ...PLAIN, prompt, tokensMax: 200, stop: [], sampling }, never);
    texts.add((await collectGeneration(run)).text);
  }
  expect(texts.size).toBe(1);
});

test("delays are applied, and an abort ends them", async () => {
  const engine = createScriptedEngine({ tokenDelayMs: 60_000, promptChunkDelayMs: 1 });
  const prompt = await prepareChat(engine, question);
  const controller = new AbortController();
  const request = { ...PLAIN, prompt, tokensMax: 8, stop: [], sampling: GREEDY };
  const events = engine.generate(request, controller.signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ type: "generation-start", cachedTokens: 0 });
  const token = events.next();
  setImmediate(() => controller.abort(new Error("gone")));
  await expect(token).rejects.toThrow("gone");
});

test("a second turn is counted as cached up to where it differs", async () => {
  const engine = createScriptedEngine({ concurrency: 1 });
  const first = await prepareChat(engine, question);
  const second = await prepareChat(engine, [...question, { role: "assistant", content: "An animal." }]);
  const run = async (prompt: typeof first) =>
    collectGeneration(engine.generate({ ...PLAIN, prompt, tokensMax: 4, stop: [], sampling: GREEDY }, never));
  await run(first);
  expect((await run(second)).cachedTokens).toBe(first.tokens.length);
});
