import { operations } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type { EmbeddingEngine, EmbeddingVector } from "../engine/embedding-engine.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { serveEmbedding } from "../testing/serve-locally.ts";

const DIMENSIONS = 4;
const CONTEXT_TOKENS = 8;

/** One token per word; all numbers of a vector are the same. Answers backwards, so that order is the service's work. */
function createFakeEngine(overrides: Partial<EmbeddingEngine> = {}): EmbeddingEngine {
  return {
    type: "embedding",
    limits: { contextTokens: CONTEXT_TOKENS, concurrency: 1 },
    isTruncatable: true,
    async prepare(inputs) {
      const read = inputs.map((input) => ({
        tokens: typeof input === "string" ? input.split(" ").map(Number) : input,
      }));
      return { inputs: read, contextTokens: CONTEXT_TOKENS, dimensions: DIMENSIONS };
    },
    async *embed(inputs) {
      const backwards = [...inputs.entries()].toReversed();
      for (const [index, { tokens }] of backwards) yield { index, vector: vectorOf(tokens[0] ?? 0) };
    },
    close: async () => {},
    ...overrides,
  };
}

/** Of length 1, distinguished by the index of its first number. */
function vectorOf(dimension: number): Float32Array<ArrayBuffer> {
  return new Float32Array(DIMENSIONS).map((_, index) => (index === dimension ? 1 : 0));
}

function setUp(engine: EmbeddingEngine, prices = FREE_OF_CHARGE) {
  const records: CallRecord[] = [];
  const service = createAiService({
    registry: createModelRegistry([
      {
        id: "fake",
        name: "Fake",
        type: "embedding",
        ownedBy: "tests",
        createdAtMs: 0,
        engine,
        queue: { waitingMax: 1, waitTimeMsMax: 1000 },
        prices,
        isDefault: true,
      },
    ]),
    credits: createFakeCreditStore(),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
    onCallEnd: (record) => records.push(record),
  });
  const call = authoriseTestCall(operations.createEmbedding);
  const embed = (inputs: readonly (string | readonly number[])[], dimensions: number | null = null) =>
    serveEmbedding(service, call, { model: "default", inputs, dimensions });
  return { embed, records };
}

test("an account without credits is refused before its inputs are prepared", async () => {
  const engine = createFakeEngine();
  const prepare = vi.spyOn(engine, "prepare");
  const { embed } = setUp(engine, { ...FREE_OF_CHARGE, perMillionInputTokens: 1 });
  await expect(embed(["0"])).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(prepare).not.toHaveBeenCalled();
});

test("vectors stand in the order of the inputs, whatever order they are made in, and every token is billed", async () => {
  const { embed, records } = setUp(createFakeEngine());
  const result = await embed(["2 0 0", "0", [1, 1]]);
  expect(result).toEqual({ modelId: "fake", vectors: [vectorOf(2), vectorOf(0), vectorOf(1)], promptTokens: 6 });
  expect(records).toMatchObject([{ billedAs: "ai_embedding", outcome: "completed", usage: { inputTokens: 6 } }]);
});

test.each([
  ["an input alone", ["0 ".repeat(CONTEXT_TOKENS).concat("0")], "input"],
  ["one of several", ["0", Array.from({ length: CONTEXT_TOKENS + 1 }, () => 0)], "input[1]"],
])("too many tokens in %s are refused before any work", async (_case, inputs, param) => {
  const { embed, records } = setUp(createFakeEngine());
  await expect(embed(inputs)).rejects.toMatchObject({ code: "context_length_exceeded", param });
  expect(records).toEqual([]);
});

test("an absurdly long input is refused without being tokenised", async () => {
  const engine = createFakeEngine({ prepare: () => Promise.reject(new Error("tokenised")) });
  const long = "x".repeat((CONTEXT_TOKENS + 1) * 32);
  for (const input of [long, Array.from({ length: CONTEXT_TOKENS + 1 }, () => 0)]) {
    await expect(setUp(engine).embed(["0", input])).rejects.toMatchObject({
      code: "context_length_exceeded",
      message: expect.stringContaining(`at least ${CONTEXT_TOKENS + 1} tokens`),
    });
  }
});

test("fewer dimensions are the first ones, of length 1 again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: DIMENSIONS, maxLength: DIMENSIONS }),
      fc.integer({ min: 1, max: DIMENSIONS }),
      async (numbers, dimensions) => {
        fc.pre(Math.hypot(...numbers.slice(0, dimensions)) > 1e-3);
        const embed = async function* (): AsyncGenerator<EmbeddingVector> {
          yield { index: 0, vector: Float32Array.from(numbers) };
        };
        const { vectors } = await setUp(createFakeEngine({ embed })).embed(["0"], dimensions);
        expect(vectors[0]).toHaveLength(dimensions);
        if (dimensions === DIMENSIONS) return;
        expect(Math.hypot(...(vectors[0] ?? []))).toBeCloseTo(1, 5);
        const scale = Math.hypot(...numbers.slice(0, dimensions));
        for (const [index, value] of (vectors[0] ?? []).entries()) {
          expect(value * scale).toBeCloseTo(numbers[index] ?? Number.NaN, 5);
        }
      },
    ),
  );
});

test("a model that was not trained for it gives no fewer dimensions, and none gives more", async () => {
  const whole = setUp(createFakeEngine({ isTruncatable: false }));
  expect((await whole.embed(["0"], DIMENSIONS)).vectors[0]).toEqual(vectorOf(0));
  await expect(whole.embed(["0"], 2)).rejects.toMatchObject({
    code: "unsupported_parameter",
    param: "dimensions",
    message:
      "This model was not trained to give fewer than its 4 dimensions, so cut vectors would mislead. " +
      "Leave 'dimensions' out.",
  });
  const more = setUp(createFakeEngine()).embed(["0"], DIMENSIONS + 1);
  await expect(more).rejects.toMatchObject({
    code: "invalid_value",
    param: "dimensions",
    message: "The model has 4 dimensions, fewer than the 5 that were asked for.",
  });
});

test("a call that breaks pays for the vectors that were made", async () => {
  const engine = createFakeEngine({
    async *embed() {
      yield { index: 1, vector: vectorOf(0) };
      throw new AiError("engine_failed", "Broke.");
    },
  });
  const { embed, records } = setUp(engine);
  await expect(embed(["0 0 0", "0 0"])).rejects.toMatchObject({ code: "engine_failed" });
  expect(records).toMatchObject([{ outcome: "engine_failed", usage: { inputTokens: 2 } }]);
});

test("an input that got no vector fails the call", async () => {
  const engine = createFakeEngine({
    async *embed() {
      yield { index: 1, vector: vectorOf(0) };
    },
  });
  await expect(setUp(engine).embed(["0", "1"])).rejects.toMatchObject({
    code: "engine_failed",
    message: expect.stringContaining("no vector for one of the inputs"),
  });
});

test("an input that fills the context is taken, and one token more is refused with how long it is", async () => {
  const { embed } = setUp(createFakeEngine());
  const words = (count: number) => Array.from({ length: count }, () => "0").join(" ");
  await expect(embed([words(CONTEXT_TOKENS)])).resolves.toMatchObject({ promptTokens: CONTEXT_TOKENS });
  await expect(embed(["0", words(CONTEXT_TOKENS + 1)])).rejects.toMatchObject({
    param: "input[1]",
    message:
      `This model's maximum context length is ${CONTEXT_TOKENS} tokens. However, an input has at least ` +
      `${CONTEXT_TOKENS + 1} tokens. Please reduce the length of the input.`,
  });
  await expect(embed([Array.from({ length: CONTEXT_TOKENS }, () => 0)])).resolves.toMatchObject({ modelId: "fake" });
});

test("a vector of zeros stays one when it is cut", async () => {
  const embed = async function* (): AsyncGenerator<EmbeddingVector> {
    yield { index: 0, vector: new Float32Array([0, 0, 0, 1]) };
  };
  expect((await setUp(createFakeEngine({ embed })).embed(["0"], 2)).vectors).toEqual([new Float32Array([0, 0])]);
});

test("each vector is paid for when it is there", async () => {
  const { embed, records } = setUp(
    createFakeEngine({
      async *embed(inputs) {
        for (const index of inputs.keys()) yield { index, vector: vectorOf(0) };
        throw new AiError("engine_failed", "Broke.");
      },
    }),
  );
  await expect(embed(["0 0 0", "0 0"])).rejects.toMatchObject({ code: "engine_failed" });
  expect(records).toMatchObject([{ usage: { inputTokens: 5, outputTokens: 0 }, streamed: false, relaxed: [] }]);
});
