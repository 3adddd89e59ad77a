/**
 * A prompt and a chat completion with the same messages, model and seed give the same text, usage and charge, in one
 * piece and streamed; by the scripted engine, an upstream, and a llama model where one is in the cache.
 */

import type { Engine } from "@openai-compat/core";
import { createLlamaEngine, createScriptedEngine, findCachedModel } from "@openai-compat/engines";
import { createChatCompletionResponseSchema, promptAnswerSchema } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createMemoryStores } from "../../stores/memory.ts";
import { startGateway, startSecondServer } from "../../testing/test-gateway.ts";
import { createTestApp } from "../../testing/test-server.ts";

const PRICES = {
  perMillionInputTokens: 3_000_000,
  perMillionOutputTokens: 7_000_000,
  perMillionCharacters: 0,
  perMinuteOfAudio: 0,
};

const message = fc.record({
  role: fc.constantFrom("user", "assistant", "system"),
  content: fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }),
});
const sampling = fc.record(
  {
    temperature: fc.constantFrom(0, 0.7, 2),
    topP: fc.constantFrom(0.1, 1),
    maxOutputTokens: fc.integer({ min: 1, max: 60 }),
    stop: fc.constantFrom("e", ["the", "."]),
    reasoningEffort: fc.constantFrom("low", "high"),
  },
  { requiredKeys: [] },
);

type Sampling = typeof sampling extends fc.Arbitrary<infer Value> ? Value : never;

function toChat({ temperature, topP, maxOutputTokens, stop, reasoningEffort }: Partial<Sampling>) {
  return {
    temperature,
    top_p: topP,
    max_completion_tokens: maxOutputTokens,
    stop,
    reasoning_effort: reasoningEffort,
  };
}

async function start(engine: Engine = createScriptedEngine()) {
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "start", accountId: "ada", amount: 1_000_000_000, note: "tests", nowMs: 1 });
  return createTestApp({ stores, engine, models: [{ isDefault: true, prices: PRICES }] });
}

interface Comparison {
  readonly numRuns: number;
  readonly tokensMax?: number;
}

/** @param tokensMax of each answer. Default: as sampled, also none */
async function compareSurfaces(engine: Engine, { numRuns, tokensMax }: Comparison): Promise<void> {
  const { post, stores } = await start(engine);
  const charge = async () => {
    const [entry] = await stores.credits.listEntries({ accountId: "ada", limit: 1 });
    return { amount: entry?.amount, operation: entry?.kind === "usage" ? entry.operation : null };
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 1, maxLength: 4 }),
      sampling,
      fc.integer({ min: 0, max: 2 ** 31 }),
      async (messages, sampled, seed) => {
        const options = tokensMax === undefined ? sampled : { ...sampled, maxOutputTokens: tokensMax };
        const wire = { model: "default", messages, seed, ...toChat(options) };
        // Twice, so that both meet the same prompt in the engine's cache.
        await post("/v1/chat/completions", wire);
        const chat = createChatCompletionResponseSchema.parse(await (await post("/v1/chat/completions", wire)).json());
        const chatCharge = await charge();
        const { result }: { result: { data: unknown } } = JSON.parse(
          await (await post("/trpc/prompt", { messages, seed, ...options })).text(),
        );
        const native = promptAnswerSchema.parse(result.data);
        expect(native.text).toBe(chat.choices[0]?.message.content);
        expect(native.finishReason).toBe(chat.choices[0]?.finish_reason);
        expect(native.modelId).toBe(chat.model);
        expect(native.usage).toMatchObject({
          inputTokens: chat.usage?.prompt_tokens,
          outputTokens: chat.usage?.completion_tokens,
          cachedTokens: chat.usage?.prompt_tokens_details?.cached_tokens,
        });
        expect(await charge()).toEqual(chatCharge);
      },
    ),
    { numRuns },
  );
}

test("prompt and chat completion agree on text, usage and charge", async () => {
  await compareSurfaces(createScriptedEngine(), { numRuns: 40 });
});

test("prompt and chat completion agree on a llama model", { timeout: 120_000 }, async ({ skip }) => {
  const model = await findCachedModel("smollm2-135m-instruct");
  skip(model === null, "smollm2-135m-instruct is not in the cache: pull it to run this test");
  if (model === null) return;
  const engine = createLlamaEngine({ modelPath: model.path, contextTokens: 1024 });
  onTestFinished(() => engine.close());
  await compareSurfaces(engine, { numRuns: 6, tokensMax: 12 });
});

test.each([false, true])("they agree through an upstream too (streamed: %s)", async (streamed) => {
  const { second: _second, ...upstream } = await startSecondServer();
  const gateway = await startGateway(upstream);
  const headers = { authorization: `Bearer ${gateway.keys.key}`, "content-type": "application/json" };
  const input = { model: "far", prompt: "Tell me about the sea.", seed: 3 };
  const chat = await gateway.client.chat.completions.create({
    model: "far",
    messages: [{ role: "user", content: input.prompt }],
    seed: 3,
  });
  const root = gateway.baseUrl.replace(/\/v1$/, "/trpc");
  const path = streamed ? "promptStream" : "prompt";
  const text = await (await fetch(`${root}/${path}`, { method: "POST", headers, body: JSON.stringify(input) })).text();
  const deltas = [...text.matchAll(/"type":"text-delta","text":("(?:[^"\\]|\\.)*")/g)].map(([, json = '""']) =>
    String(JSON.parse(json)),
  );
  const said = streamed ? deltas.join("") : /"text":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  expect(streamed ? said : JSON.parse(said ?? '""')).toBe(chat.choices[0]?.message.content);
  expect(text).toContain(`"inputTokens":${chat.usage?.prompt_tokens}`);
  expect(text).toContain(`"outputTokens":${chat.usage?.completion_tokens}`);
  const [native, first] = await gateway.usage();
  expect(native?.amount).toBe(first?.amount);
});

test("an account without credits is refused before anything of its input is read, and nothing is charged", async () => {
  const stores = createMemoryStores();
  const { post } = await createTestApp({ stores, models: [{ isDefault: true, prices: PRICES }] });
  const response = await post("/trpc/prompt", "no JSON at all");
  expect(response.status).toBe(429);
  expect(await response.json()).toMatchObject({ error: { data: { code: "insufficient_quota", shouldRetry: false } } });
  expect(await stores.credits.listEntries({ accountId: "ada", limit: 10 })).toEqual([]);
});

test("refused calls cost nothing, and those of a batch that are served are paid one by one", async () => {
  const { post, stores } = await start();
  const inputs = {
    0: { prompt: "Hello.", seed: 1 },
    1: { prompt: "Hello.", model: "none" },
    2: { prompt: "Hello.", seed: 1 },
  };
  await post("/trpc/prompt,prompt,prompt?batch=1", inputs);
  const entries = await stores.credits.listEntries({ accountId: "ada", limit: 10 });
  expect(entries.filter(({ kind }) => kind === "usage")).toHaveLength(2);
  expect((await stores.credits.readBalance("ada")).held).toBe(0);
});
