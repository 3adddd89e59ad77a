import { writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeGguf } from "./convert/gguf-writer.ts";
import type { GgufValue } from "./convert/gguf-writer.ts";
import { GgufHeaderCutError } from "./gguf-reader.ts";
import { decodeGgufShape, measureGgufBytes, readGgufShape } from "./gguf-shape.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

const number = (value: number): GgufValue => ({ type: "uint32", value });
const NAME: [string, GgufValue] = ["general.architecture", { type: "string", value: "tiny" }];

function encode(values: Record<string, GgufValue>): Buffer {
  const metadata = Object.entries(values).map(([key, value]): [string, GgufValue] => [`tiny.${key}`, value]);
  const tokens: [string, GgufValue] = ["tokenizer.ggml.tokens", { type: "strings", value: ["a", "b", "c"] }];
  return encodeGguf({ metadata: [NAME, ...metadata, tokens], tensors: [] });
}

const COMMON = {
  context_length: number(2048),
  block_count: number(3),
  embedding_length: number(64),
  feed_forward_length: number(128),
  "attention.head_count": number(8),
};

test("a layer remembers a key and a value for each of its heads", () => {
  expect(decodeGgufShape(encode({ ...COMMON, "attention.head_count_kv": number(2) }))).toEqual({
    contextTokens: 2048,
    vocabularySize: 3,
    embeddingLength: 64,
    feedForwardLength: 128,
    // 3 layers, 2 heads, a key and a value of 64 / 8 numbers.
    rememberedPerToken: 3 * 2 * (8 + 8),
    rememberedPerSequence: 0,
    sampling: {},
    hasChatTemplate: false,
  });
});

test.each<[string, Record<string, GgufValue>, number]>([
  ["without a number of its own, every head", {}, 3 * 8 * 16],
  ["layers that differ", { "attention.head_count_kv": { type: "int32s", value: [4, 0, 1] } }, 5 * 16],
  [
    "keys and values of their own size",
    { "attention.key_length": number(32), "attention.value_length": number(4) },
    3 * 8 * 36,
  ],
  ["a model that reads its input at once", { "attention.causal": { type: "bool", value: false } }, 0],
])("what is remembered of a token: %s", (_name, values, remembered) => {
  expect(decodeGgufShape(encode({ ...COMMON, ...values })).rememberedPerToken).toBe(remembered);
});

test("recurrent layers remember a state of the whole sequence", () => {
  const recurrent = { "ssm.inner_size": number(128), "ssm.state_size": number(16), "ssm.conv_kernel": number(4) };
  expect(decodeGgufShape(encode({ ...COMMON, ...recurrent })).rememberedPerSequence).toBe(3 * 128 * 20);
});

test("a head that is cut anywhere asks for more and never misreads", () => {
  const whole = encode({ ...COMMON, "attention.head_count_kv": { type: "int32s", value: [4, 0, 1] } });
  const shape = decodeGgufShape(whole);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length }), (length) => {
      try {
        expect(decodeGgufShape(whole.subarray(0, length))).toEqual(shape);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(GgufHeaderCutError);
      }
    }),
  );
});

test("a file that is something else is refused", async () => {
  await using directory = await makeTemporaryDirectory();
  const file = path.join(directory.path, "model.gguf");
  await writeFile(file, "something else");
  await expect(readGgufShape(file)).rejects.toMatchObject({ code: "invalid_value" });
});

test("a model in several files is as large as all of them", async () => {
  await using directory = await makeTemporaryDirectory();
  const first = path.join(directory.path, "m-00001-of-00002.gguf");
  await writeFile(first, Buffer.alloc(100));
  await expect(measureGgufBytes(first)).rejects.toMatchObject({ code: "ENOENT" });
  await writeFile(path.join(directory.path, "m-00002-of-00002.gguf"), Buffer.alloc(30));
  expect(await measureGgufBytes(first)).toBe(130);
});

test("what the file recommends for sampling is read, unless it is out of its range", () => {
  const names = ["temp", "top_p", "top_k", "min_p", "penalty_repeat"];
  const write = (values: readonly number[]) =>
    encodeGguf({
      metadata: values.map((value, index) => [`general.sampling.${names[index]}`, number(value)]),
      tensors: [],
    });
  expect(decodeGgufShape(write([1, 1, 20, 0, 1])).sampling).toEqual({
    temperature: 1,
    topP: 1,
    topK: 20,
    minP: 0,
    repeatPenalty: 1,
  });
  expect(decodeGgufShape(write([3, 2, 2_000_000, 2, 0])).sampling).toEqual({});
});

test.each<[string, Record<string, GgufValue>]>([
  ["more layers than any model has", { block_count: number(0xffff_fff0) }],
  ["fewer layers than none", { block_count: { type: "int32s", value: [-1] } }],
  ["a width that is no number", { embedding_length: { type: "float32", value: Number.NaN } }],
  ["fewer heads than none in a layer", { "attention.head_count_kv": { type: "int32s", value: [4, -3, 1] } }],
])("a damaged head does not have anything counted for long, or wrongly: %s", (_name, values) => {
  expect(() => decodeGgufShape(encode({ ...COMMON, ...values }))).toThrow(
    expect.objectContaining({ code: "invalid_value", message: expect.stringContaining("not a usable GGUF file") }),
  );
});
