/** Clients that leave a native engine in the middle: how soon its only place is free, and what they pay. */

import path from "node:path";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createLlamaEngine, findCachedModel } from "@openai-compat/engines";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import OpenAI from "openai";
import { expect, onTestFinished, test, vi } from "vitest";
import { createTestDirectory } from "./testing/serve-process.ts";
import { startTestServer } from "./testing/test-server.ts";

const CONTEXT_TOKENS = 2048;
const ANSWER_TOKENS = 1500;
/** Micro-credits are tokens. */
const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: 1_000_000, perMillionOutputTokens: 1_000_000 };
const question: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: "Tell me a long story." }];

const trained = await findCachedModel("smollm2-135m-instruct");
const NOT_CACHED = "smollm2-135m-instruct is not in the cache: pull it to run this test";

/** A server whose one model has one place, and an account that can pay. */
async function startOnePlace(modelPath: string) {
  const engine = createLlamaEngine({ modelPath, sequences: 1, contextTokens: CONTEXT_TOKENS, threads: 1 });
  const { server, stores, baseUrl, keys } = await startTestServer({ engine, models: [{ isDefault: true, prices }] });
  onTestFinished(() => server.close());
  const { credits } = stores;
  await credits.grant({ id: "g", accountId: "ada", amount: 1_000_000, note: "tests", nowMs: 1 });
  return {
    client: new OpenAI({ baseURL: baseUrl, apiKey: keys.key, maxRetries: 0 }),
    /** Oldest first. */
    async usage() {
      const entries = await credits.listEntries({ accountId: "ada", limit: 100 });
      return entries.filter((entry) => entry.kind === "usage").toReversed();
    },
    readHeld: async () => (await credits.readBalance("ada")).held,
  };
}

/** Leaves a stream after five pieces, takes the place at once, and looks at the bill. */
async function expectFairBill(modelPath: string, logitBias: Record<string, number>): Promise<void> {
  const { client, usage, readHeld } = await startOnePlace(modelPath);
  const wanted = { model: "default", messages: question, temperature: 0, seed: 1, logit_bias: logitBias };
  const stream = await client.chat.completions.create({ ...wanted, stream: true, max_tokens: ANSWER_TOKENS });
  let received = 0;
  for await (const { choices } of stream) {
    if ((choices[0]?.delta.content ?? "") !== "") received += 1;
    if (received === 5) break;
  }
  await client.chat.completions.create({ ...wanted, max_tokens: 1 });
  await vi.waitFor(async () => expect(await usage()).toHaveLength(2));
  const [left] = await usage();
  const { inputTokens = 0, outputTokens = 0 } = left?.units ?? {};
  expect(outputTokens).toBeGreaterThanOrEqual(received);
  expect(outputTokens, "the answer did not go on").toBeLessThan(ANSWER_TOKENS / 4);
  expect(left?.amount).toBe(-(inputTokens + outputTokens));
  expect(await readHeld()).toBe(0);
}

test("who leaves a stream of the native engine frees its place and pays for what was produced", async () => {
  const modelPath = path.join(createTestDirectory(), "random.gguf");
  await writeRandomModel(modelPath);
  // Without a full stop this model never ends its turn.
  await expectFairBill(modelPath, { [randomModelByteToken(0x2e)]: -100 });
});

test("who leaves a stream of SmolLM2 frees its place and pays for what was produced", async ({ skip }) => {
  if (trained === null) return skip(NOT_CACHED);
  await expectFairBill(trained.path, {});
}, 60_000);

test("who leaves while SmolLM2 reads a long prompt frees its place long before its end, and pays nothing", async ({
  skip,
}) => {
  if (trained === null) return skip(NOT_CACHED);
  const { client, usage, readHeld } = await startOnePlace(trained.path);
  const ask = async (word: string, count: number, signal: AbortSignal | null = null) => {
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: "user", content: `${word} `.repeat(count) }];
    const startedAt = performance.now();
    await client.chat.completions.create({ model: "default", messages, max_tokens: 1 }, { signal });
    return performance.now() - startedAt;
  };
  await ask("stone", 1);
  const wholeMs = await ask("water", 1200);
  const leaving = new AbortController();
  const left = ask("river", 1200, leaving.signal).catch((thrown: unknown) => thrown);
  await vi.waitFor(async () => expect(await readHeld()).toBeGreaterThan(0));
  leaving.abort();
  expect(await left).toBeInstanceOf(OpenAI.APIUserAbortError);
  expect(await ask("stone", 1), "of the time that the prompt takes").toBeLessThan(wholeMs / 2);
  expect((await usage()).map(({ units }) => units.outputTokens)).toEqual([1, 1, 1]);
  expect(await readHeld()).toBe(0);
}, 60_000);
