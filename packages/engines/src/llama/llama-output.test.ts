/** Structured output on the real sampler: even the output of random weights conforms. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, expect, test } from "vitest";
import { collectGeneration, GREEDY, PLAIN, prepareChat } from "@openai-compat/core/engine-contract";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatMessage, ChatOutput, ChatTool, GenerationRequest, JsonSchema, Sampling } from "@openai-compat/core";
import { createLlamaEngine } from "./llama-engine.ts";
import { RANDOM_MODEL_CALL_TOKEN, writeRandomModel } from "./testing/random-gguf.ts";

const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "random-model-"));
const modelPath = join(folder, "random.gguf");
await writeRandomModel(modelPath);
const engine = createLlamaEngine({ modelPath, contextTokens: 2048, concurrency: 4 });
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const ajv = new Ajv2020({ strict: false });

const tool = (name: string, parameters: JsonSchema | null = null): ChatTool => ({
  name,
  description: null,
  parameters,
  isStrict: true,
  kind: "function",
  schemaParam: `tools.${name}.parameters`,
});
const journey = {
  type: "object",
  properties: {
    by: { enum: ["zeppelin", "handcar"] },
    stops: { type: "array", items: { type: "integer", minimum: 0, maximum: 99 }, maxItems: 3 },
    code: { type: "string", maxLength: 6 },
  },
  required: ["by", "stops", "code"],
  additionalProperties: false,
} as const;
const tools = [tool("travel", journey), tool("rest")];

type RunOptions = Partial<Omit<GenerationRequest, "output" | "sampling" | "prompt">> & {
  readonly sampling?: Partial<Sampling>;
};

async function run(output: Partial<ChatOutput>, options: RunOptions = {}) {
  const messages: ChatMessage[] = [{ role: "user", content: "Say something." }];
  const requested = { ...FREE_TEXT, ...output };
  const sampling = { ...GREEDY, ...options.sampling };
  const prompt = await prepareChat(engine, messages, { ...options, sampling, output: requested });
  const request = { ...PLAIN, tokensMax: 400, stop: [], ...options, sampling, prompt, output: requested };
  return collectGeneration(engine.generate(request, never));
}

const hot = (seed: number): RunOptions => ({ sampling: { temperature: 1.5, seed } });

test.each([1, 2, 5, 20])(
  "a limit of %i tokens within a call that must be made leaves no half tag as an answer",
  async (tokensMax) => {
    const { text, finishReason } = await run({ toolUse: { tools, mode: "required", parallel: false } }, { tokensMax });
    expect({ text, finishReason }).toEqual({ text: "", finishReason: "length" });
  },
);

test("choices of one request share one output format, each from its beginning", async () => {
  const output: ChatOutput = { ...FREE_TEXT, format: { type: "json-schema", schema: journey, isStrict: true } };
  const prompt = await prepareChat(engine, [{ role: "user", content: "Go." }], { output });
  const texts = await Promise.all(
    [0, 1, 2, 3, 4].map(async (seed) => {
      const sampling = { ...GREEDY, temperature: 1.5, seed };
      const request = { ...PLAIN, tokensMax: 400, stop: [], sampling, prompt, output };
      return (await collectGeneration(engine.generate(request, never))).text;
    }),
  );
  const fits = ajv.compile(journey);
  for (const text of texts) expect(fits(JSON.parse(text)), text).toBe(true);
});

test.each([0, 1, 2, 3])("a tool that must be called is called, with arguments that fit (seed %i)", async (seed) => {
  const result = await run({ toolUse: { tools, mode: "required", parallel: true } }, hot(seed));
  expect(result).toMatchObject({ text: "", finishReason: "tool-calls" });
  expect(result.toolCalls.length).toBeGreaterThan(0);
  for (const call of result.toolCalls) {
    const values: unknown = JSON.parse(call.arguments);
    if (call.name === "rest") expect(values).toEqual({});
    else expect(ajv.validate(journey, values), call.arguments).toBe(true);
  }
});

test("of several tools only those that may be called are, and one where calls are not parallel", async () => {
  for (let seed = 0; seed < 4; seed += 1) {
    const one = await run({ toolUse: { tools: tools.slice(1), mode: "required", parallel: false } }, hot(seed));
    expect(one.toolCalls).toEqual([{ name: "rest", arguments: "{}" }]);
  }
});

test.each([100, 400])("a call that says the last one again ends the list, with %i tokens to go", async (tokensMax) => {
  for (let seed = 0; seed < 6; seed += 1) {
    const toolUse = { tools: [tool("rest")], mode: "required", parallel: true } as const;
    const { toolCalls, finishReason, completionTokens } = await run({ toolUse }, { ...hot(seed), tokensMax });
    expect(toolCalls).toEqual([{ name: "rest", arguments: "{}" }]);
    expect(completionTokens).toBeLessThan(tokensMax);
    expect(finishReason).toBe("tool-calls");
  }
});

test("calls that are whole are calls, and not the caller's limit, when the next one has no room", async () => {
  const letter = { type: "object", properties: { a: { enum: ["x", "y", "z", 1, 2] } }, required: ["a"] };
  for (let tokensMax = 60; tokensMax < 200; tokensMax += 14) {
    const toolUse = { tools: [tool("act", letter)], mode: "required", parallel: true } as const;
    const { toolCalls, finishReason, completionTokens } = await run({ toolUse }, { ...hot(tokensMax), tokensMax });
    const areWhole = toolCalls.length > 0 && toolCalls.every((call) => ajv.validate(letter, tryParse(call.arguments)));
    if (completionTokens < tokensMax)
      expect({ areWhole, finishReason }).toEqual({ areWhole, finishReason: areWhole ? "tool-calls" : "length" });
  }
});

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

test("once the model has begun a call by itself, the call is constrained to the format of one", async () => {
  const begins = { sampling: { logitBias: { [RANDOM_MODEL_CALL_TOKEN]: 60 } } };
  const result = await run({ toolUse: { tools: [tool("travel", journey)], mode: "auto", parallel: false } }, begins);
  expect(result).toMatchObject({ text: "", finishReason: "tool-calls" });
  expect(result.toolCalls.map(({ name }) => name)).toEqual(["travel"]);
  expect(ajv.validate(journey, JSON.parse(result.toolCalls[0]?.arguments ?? ""))).toBe(true);
});

test("a model that begins no call writes free text", async () => {
  const free = await run({}, { tokensMax: 30 });
  const result = await run({ toolUse: { tools, mode: "auto", parallel: true } }, { tokensMax: 30 });
  expect(result).toMatchObject({ toolCalls: [], finishReason: free.finishReason });
  expect(result.text).not.toBe("");
});

test("what begins a call is text where no tool may be called", async () => {
  const begins = { tokensMax: 8, sampling: { logitBias: { [RANDOM_MODEL_CALL_TOKEN]: 60 } } };
  expect(await run({}, begins)).toMatchObject({ text: "<tool_call>".repeat(8), toolCalls: [] });
});

test.each([0, 1, 2, 3])("JSON sampled at a high temperature conforms to its schema (seed %i)", async (seed) => {
  const { text, finishReason } = await run(
    { format: { type: "json-schema", schema: journey, isStrict: true } },
    hot(seed),
  );
  expect(finishReason).toBe("stop");
  expect(ajv.validate(journey, JSON.parse(text)), text).toBe(true);
});

const endless = {
  type: "object",
  properties: { all: { type: "array", items: { type: "string" } } },
  required: ["all"],
};

test.each([40, 60, 80, 100, 120])(
  "JSON that meets a limit of %i tokens is completed in time, and reports the limit",
  async (tokensMax) => {
    const format = { type: "json-schema", schema: endless, isStrict: true } as const;
    for (let seed = 0; seed < 4; seed += 1) {
      const { text, finishReason, completionTokens } = await run({ format }, { ...hot(seed), tokensMax });
      expect(ajv.validate(endless, JSON.parse(text)), text).toBe(true);
      expect(completionTokens).toBeLessThanOrEqual(tokensMax);
      if (finishReason === "length") expect(completionTokens).toBeGreaterThan(tokensMax / 2);
      else expect(finishReason).toBe("stop");
    }
  },
);

test("calls that meet the token limit are completed in time, and report the limit", async () => {
  for (let seed = 0; seed < 4; seed += 1) {
    const options = { ...hot(seed), tokensMax: 140 };
    const { toolCalls, finishReason } = await run(
      { toolUse: { tools: [tool("list", endless)], mode: "required", parallel: true } },
      options,
    );
    expect(finishReason).toBe("length");
    expect(toolCalls.length).toBeGreaterThan(0);
    for (const call of toolCalls) expect(ajv.validate(endless, JSON.parse(call.arguments)), call.arguments).toBe(true);
  }
});

test("the tokens that end JSON in time are reported with their text", async () => {
  const format = { type: "json-schema", schema: endless, isStrict: true } as const;
  const { text, logprobs } = await run({ format }, { ...hot(1), tokensMax: 40, topLogprobs: 2 });
  expect(Buffer.from(logprobs.flatMap(({ bytes }) => bytes)).toString()).toBe(text);
});

test("JSON without room for its shortest text says that it was cut, and is the beginning of valid JSON", async () => {
  const format = { type: "json-schema", schema: journey, isStrict: true } as const;
  const whole = await run({ format });
  const cut = await run({ format }, { tokensMax: 9 });
  expect(cut).toMatchObject({ finishReason: "length", completionTokens: 9 });
  expect(whole.text.startsWith(cut.text)).toBe(true);
  expect(cut.text).not.toBe("");
});

test("a stop string ends forced JSON too", async () => {
  const { text, finishReason } = await run(
    { format: { type: "json-schema", schema: journey, isStrict: true } },
    { stop: ["stops"] },
  );
  expect(text).toMatch(/^\{\s*"by":\s*"(?:zeppelin|handcar)",\s*"$/);
  expect(finishReason).toBe("stop");
});

test("a schema that can't be enforced is refused before any work", async () => {
  const schema = { type: "object", properties: { a: { type: "string", pattern: "(?<=a)" } } };
  await expect(run({ format: { type: "json-schema", schema, isStrict: true } })).rejects.toMatchObject({
    code: "invalid_value",
    param: "response_format.json_schema.schema",
  });
});

test("probabilities are those of the model, whatever the sampling, and their bytes are the text", async () => {
  const { text, logprobs } = await run({}, { tokensMax: 24, topLogprobs: 20 });
  const all = logprobs.flatMap(({ bytes }) => bytes);
  expect(Buffer.from(all).toString().startsWith(text)).toBe(true);
  for (const { bytes, logprob, top } of logprobs) {
    expect(top).toHaveLength(20);
    expect(top[0]).toMatchObject({ bytes, logprob });
    expect(top.map((other) => other.logprob)).toEqual(top.map((other) => other.logprob).toSorted((a, b) => b - a));
    const mass = top.reduce((sum, other) => sum + Math.exp(other.logprob), 0);
    expect(mass).toBeGreaterThan(0.01);
    expect(mass).toBeLessThanOrEqual(1.000_01);
  }
  const [first] = logprobs;
  const banned = await run({}, { tokensMax: 1, topLogprobs: 1, sampling: { temperature: 2, seed: 3 } });
  expect(banned.logprobs[0]?.top[0]).toEqual({
    ...first?.top[0],
    logprob: expect.closeTo(first?.top[0]?.logprob ?? 1),
  });
});

test("asking for probabilities changes no token", async () => {
  const free = await run({}, { tokensMax: 24, sampling: { temperature: 1, seed: 5 } });
  const reported = await run({}, { tokensMax: 24, topLogprobs: 0, sampling: { temperature: 1, seed: 5 } });
  expect(reported.text).toBe(free.text);
  expect(reported.logprobs.every(({ top }) => top.length === 0)).toBe(true);
});

test("a token that only the output format allows is reported with its small probability", async () => {
  const format = { type: "json-schema", schema: { const: "zzzz" }, isStrict: true } as const;
  const { text, logprobs } = await run({ format }, { topLogprobs: 2 });
  expect(text).toBe('"zzzz"');
  expect(logprobs.map((token) => token.text).join("")).toBe(text);
  expect(Math.min(...logprobs.map(({ logprob }) => logprob))).toBeLessThan(-1);
  expect(Math.max(...logprobs.map(({ logprob }) => logprob))).toBeLessThanOrEqual(0);
});
