import { createCompletionResponseSchema, createCompletionStreamResponseSchema } from "@openai-compat/spec";
import { createScriptedEmbeddingEngine } from "@openai-compat/engines";
import { expect, test } from "vitest";
import { createTestApp, readSseData } from "../../../testing/test-server.ts";

const { post } = await createTestApp({
  models: [
    { id: "scripted", isDefault: true },
    { id: "words", type: "embedding", engine: createScriptedEmbeddingEngine() },
  ],
});

const PROMPT = "The sea is wide";

async function refuse(body: object) {
  const response = await post("/v1/completions", { model: "scripted", prompt: PROMPT, seed: 3, ...body });
  return { status: response.status, body: await response.json() };
}

async function complete(body: object = {}) {
  const { status, body: answer } = await refuse(body);
  expect(status).toBe(200);
  const completion = createCompletionResponseSchema.parse(answer);
  expect(Object.keys(completion).toSorted()).toEqual(["choices", "created", "id", "model", "object", "usage"]);
  return completion;
}

async function stream(body: object = {}) {
  const response = await post("/v1/completions", { model: "scripted", prompt: PROMPT, ...body, stream: true });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const data = await readSseData(response);
  expect(data.pop()).toBe("[DONE]");
  return data.map((text) => createCompletionStreamResponseSchema.parse(JSON.parse(text)));
}

test("a text is gone on with, by sixteen tokens where nothing else is said", async () => {
  const { choices, usage, object, model } = await complete();
  expect({ object, model }).toEqual({ object: "text_completion", model: "scripted" });
  expect(choices).toEqual([{ index: 0, text: expect.any(String), logprobs: null, finish_reason: "length" }]);
  expect(usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 16, total_tokens: 20 });
});

test.each([
  ["a text", PROMPT, 1],
  ["texts", [PROMPT, "Rain", PROMPT], 3],
  ["tokens", [400, 500], 1],
  ["lists of tokens", [[400], [500, 600]], 2],
  ["an empty text", "", 1],
  ["null", null, 1],
])("%s can be the prompt", async (_case, prompt, count) => {
  const { choices } = await complete({ prompt, n: 2, max_tokens: 3 });
  expect(choices.map(({ index }) => index)).toEqual(Array.from({ length: 2 * count }, (_, index) => index));
});

test("an echo stands before the text and changes nothing else", async () => {
  const { choices } = await complete({ logprobs: 0, echo: true, max_tokens: 8 });
  const [asText] = choices;
  expect(asText?.text).toMatch(/^The sea is wide ./);
  expect((await complete({ max_tokens: 8 })).choices[0]?.text).toBe(asText?.text.slice(PROMPT.length));
});

test("an echo alone is the prompt, with the probabilities of its tokens where they are asked for", async () => {
  const { choices, usage } = await complete({ echo: true, max_tokens: 0, logprobs: 2 });
  const [choice] = choices;
  expect(choice).toMatchObject({ text: PROMPT, finish_reason: "length" });
  expect(choice?.logprobs?.tokens?.join("")).toBe(PROMPT);
  expect(choice?.logprobs?.text_offset).toEqual([0, 3, 7, 10]);
  expect(choice?.logprobs?.token_logprobs?.[0]).toBeNull();
  expect(choice?.logprobs?.top_logprobs?.[0]).toBeNull();
  expect(usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 0 });
});

test("of the texts that are written only the best are answered, and all are counted", async () => {
  const { choices, usage } = await complete({ best_of: 3, n: 2, max_tokens: 4 });
  expect(choices.map(({ index, logprobs }) => [index, logprobs])).toEqual([
    [0, null],
    [1, null],
  ]);
  expect(usage?.completion_tokens).toBe(12);
});

test("a stop string ends the text and is not part of it", async () => {
  const whole = (await complete({ max_tokens: 12 })).choices[0]?.text ?? "";
  const stop = Array.from(whole).slice(14, 19).join("");
  const { choices } = await complete({ max_tokens: 12, stop });
  expect(choices[0]).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finish_reason: "stop" });
});

test.each([
  ["plain", {}],
  ["with an echo and probabilities", { echo: true, logprobs: 2 }],
  ["of several prompts and choices", { prompt: ["The sea", "Rain"], n: 2, echo: true }],
])("a stream %s says what the non-streaming answer says", async (_case, body) => {
  const seeded = { ...body, seed: 5, max_tokens: 24 };
  const { choices, usage } = await complete(seeded);
  const chunks = await stream({ ...seeded, stream_options: { include_usage: true } });
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { ...usage, prompt_tokens_details: expect.anything() } });
  for (const { index, text, logprobs, finish_reason } of choices) {
    const own = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.index === index);
    expect(own.map((choice) => choice.text).join("")).toBe(text);
    expect(own.map((choice) => choice.finish_reason).filter((reason) => reason !== null)).toEqual([finish_reason]);
    expect(own.at(-1)).toMatchObject({ text: "", finish_reason });
    const tokens = own.flatMap((choice) => choice.logprobs?.tokens ?? []);
    const offsets = own.flatMap((choice) => choice.logprobs?.text_offset ?? []);
    expect({ tokens, offsets }).toEqual({ tokens: logprobs?.tokens ?? [], offsets: logprobs?.text_offset ?? [] });
  }
});

test("usage and padding are in a stream only where they are asked for", async () => {
  const [plain] = await stream();
  expect(Object.keys(plain ?? {})).not.toContain("usage");
  expect(Object.keys(plain ?? {})).not.toContain("obfuscation");
  const [padded] = await stream({ stream_options: { include_usage: true, include_obfuscation: true } });
  expect(padded).toMatchObject({ usage: null, obfuscation: expect.any(String) });
});

test.each([
  [{ prompt: [] }, "invalid_value", "prompt"],
  [{ prompt: "sea ".repeat(4097) }, "context_length_exceeded", "prompt"],
  [{ prompt: [2 ** 50] }, "invalid_value", "prompt"],
  [{ prompt: Array.from({ length: 1025 }, () => "a") }, "invalid_value", "prompt"],
  [{ suffix: "The end." }, "unsupported_parameter", "suffix"],
  [{ best_of: 1, n: 2 }, "invalid_value", "best_of"],
  [{ best_of: 2, stream: true }, "invalid_value", "best_of"],
  [{ logprobs: 6 }, "invalid_value", "logprobs"],
  [{ max_tokens: -1 }, "invalid_value", "max_tokens"],
  [{ logit_bias: { sea: 1 } }, "invalid_value", "logit_bias"],
  [{ stop: ["1", "2", "3", "4", "5"] }, "invalid_value", "stop"],
  [{ model: "words" }, "wrong_model_type", "model"],
])("%j is refused with the code %s", async (body, code, param) => {
  expect(await refuse(body)).toMatchObject({ status: 400, body: { error: { code, param } } });
});

test("an empty suffix is none, and a null is as good as nothing", async () => {
  const plain = await complete();
  const nulls = {
    suffix: "",
    best_of: null,
    echo: null,
    logprobs: null,
    stop: null,
    n: null,
    stream: null,
    user: "ada",
  };
  expect((await complete(nulls)).choices).toEqual(plain.choices);
});

test("a server without a chat model says so, and reads no body", async () => {
  const without = await createTestApp({
    models: [{ id: "words", type: "embedding", engine: createScriptedEmbeddingEngine() }],
  });
  expect((await without.post("/v1/completions", "{")).status).toBe(501);
});
