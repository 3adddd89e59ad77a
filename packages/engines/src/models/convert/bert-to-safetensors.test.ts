import { open, readFile, truncate } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { openBertCheckpoint } from "../../onnx-embedding/bert-checkpoint.ts";
import { BERT_EMBEDDINGS, EMBEDDING_BLOCK_WEIGHTS, nameBertLayer } from "../../onnx-embedding/bert-config.ts";
import type { BertConfig } from "../../onnx-embedding/bert-config.ts";
import { TINY_BERT, TINY_VOCABULARY, writeTinyBert } from "../testing/build-bert.ts";
import type { BuildBertOptions, SafetensorsInput } from "../testing/build-bert.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directory.ts";
import { convertBertToSafetensors } from "./bert-to-safetensors.ts";
import { readWeights } from "./safetensors.ts";

const ZERO_POINT = 128;
const { width, feedForward } = TINY_BERT;

interface Converted {
  readonly sha256: string;
  readonly config: BertConfig;
  readonly vocabulary: readonly string[];
  readonly names: ReadonlySet<string>;
  /** As floats, in the order of the file. */
  readonly read: (name: string, dtype: "U8" | "F32") => Promise<readonly number[]>;
}

type ConvertOptions = BuildBertOptions & { readonly spoil?: (weightsPath: string) => Promise<void> };

async function convert(options: ConvertOptions, use: (converted: Converted) => Promise<void>): Promise<void> {
  await using directory = await makeTemporaryDirectory();
  const files = await writeTinyBert(directory.path, options);
  await options.spoil?.(files.weightsPath);
  const targetPath = path.join(directory.path, "tiny.int8.safetensors");
  const parameters = { name: "tiny", headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 };
  const { sha256 } = await convertBertToSafetensors({ ...files, targetPath, parameters });
  const checkpoint = await openBertCheckpoint(targetPath);
  const bytes = await readFile(targetPath);
  const names = new Set(bytes.toString("latin1").match(/"[\w/-]+":\{"dtype"/g));
  await using file = await open(targetPath, "r");
  await use({
    sha256,
    config: checkpoint.config,
    vocabulary: checkpoint.vocabulary,
    names,
    async read(name, dtype) {
      const tensor = checkpoint.find(name, dtype);
      const { start, sizeBytes } = tensor;
      if (dtype === "U8") return [...bytes.subarray(start, start + sizeBytes)];
      return [...(await readWeights(file, tensor, { from: 0, count: sizeBytes / 4 }))];
    },
  });
}

/** The weights that the published file has. */
function watch() {
  const published = new Map<string, SafetensorsInput>();
  const change = (tensors: Map<string, SafetensorsInput>): void => {
    for (const [name, tensor] of tensors) published.set(name, tensor);
  };
  return { change, find: (name: string): readonly number[] => [...(published.get(name)?.values ?? [])] };
}

test("an encoder keeps its sizes and its vocabulary, without the pooler", async () => {
  await convert({}, async ({ config, vocabulary, names }) => {
    const { positions, layers, headCount: heads } = TINY_BERT;
    const vocabularySize = TINY_VOCABULARY.length;
    const sizes = { width, positions, layers, feedForward, heads, vocabularySize };
    expect(config).toEqual({ ...sizes, normEpsilon: 1e-12 });
    expect(vocabulary).toEqual(TINY_VOCABULARY);
    expect(names.size).toBeGreaterThan(10);
    expect([...names].filter((name) => name.includes("pooler"))).toEqual([]);
  });
});

test("each weight of a product is within half a step of its output's scale, inputs by outputs", async () => {
  const { change, find } = watch();
  await convert({ change }, async ({ read }) => {
    const name = nameBertLayer(0).feedForwardInput;
    const [values, scales] = [await read(`${name}/weight`, "U8"), await read(`${name}/scale`, "F32")];
    const published = find("encoder.layer.0.intermediate.dense.weight");
    expect(published).toHaveLength(width * feedForward);
    for (const [index, weight] of published.entries()) {
      const [output, input] = [Math.floor(index / width), index % width];
      const scale = scales[output] ?? Number.NaN;
      const restored = ((values[input * feedForward + output] ?? Number.NaN) - ZERO_POINT) * scale;
      expect(Math.abs(restored - weight)).toBeLessThanOrEqual(scale * 0.501);
    }
    expect(await read(`${name}/bias`, "F32")).toEqual(find("encoder.layer.0.intermediate.dense.bias"));
  });
});

test("queries, keys and values are one product, one after the other", async () => {
  const { change, find } = watch();
  await convert({ change }, async ({ read }) => {
    const parts = ["query", "key", "value"].map((part) => find(`encoder.layer.0.attention.self.${part}.bias`));
    expect(await read(`${nameBertLayer(0).attentionInput}/bias`, "F32")).toEqual(parts.flat());
  });
});

test("words have a scale for each block, and positions contain the first token type", async () => {
  const { change, find } = watch();
  await convert({ change }, async ({ read }) => {
    const values = await read(BERT_EMBEDDINGS.words, "U8");
    const scales = await read(BERT_EMBEDDINGS.wordScales, "F32");
    for (const [index, weight] of find("embeddings.word_embeddings.weight").entries()) {
      const scale = scales[Math.floor(index / EMBEDDING_BLOCK_WEIGHTS)] ?? Number.NaN;
      expect(Math.abs(((values[index] ?? Number.NaN) - ZERO_POINT) * scale - weight)).toBeLessThanOrEqual(
        scale * 0.501,
      );
    }
    const types = find("embeddings.token_type_embeddings.weight");
    const expected = find("embeddings.position_embeddings.weight").map((value, index) =>
      Math.fround(value + (types[index % width] ?? Number.NaN)),
    );
    expect(await read(BERT_EMBEDDINGS.positions, "F32")).toEqual(expected);
  });
});

test("the same files give the same bytes, also with the prefix that some publishers put before names", async () => {
  const sums = new Set<string>();
  const addSum = async ({ sha256 }: Converted): Promise<void> => void sums.add(sha256);
  await convert({}, addSum);
  await convert({}, addSum);
  const change = (tensors: Map<string, SafetensorsInput>): void => {
    const prefixed = Array.from(tensors, ([name, tensor]) => [`bert.${name}`, tensor] as const);
    tensors.clear();
    for (const [name, tensor] of prefixed) tensors.set(name, tensor);
  };
  await convert({ change }, addSum);
  expect(sums.size).toBe(1);
});

test.each<[string, ConvertOptions, RegExp]>([
  [
    "an unknown tensor",
    { change: (all) => void all.set("decoder.x", { shape: [1], values: new Float32Array(1) }) },
    /decoder\.x/,
  ],
  [
    "no positions",
    { change: (all) => void all.delete("embeddings.position_embeddings.weight") },
    /position_embeddings/,
  ],
  [
    "a matrix of another shape",
    {
      change: (all) => void all.set("encoder.layer.0.output.dense.weight", { shape: [1], values: new Float32Array(1) }),
    },
    /output\.dense\.weight has an odd shape/,
  ],
  ["another vocabulary", { vocabulary: TINY_VOCABULARY.slice(1) }, /vocabulary has/],
  ["no end marker", { vocabulary: TINY_VOCABULARY.map((token) => (token === "[SEP]" ? "sep" : token)) }, /\[SEP\]/],
  [
    "a weight that is no number",
    { change: (all) => void all.get("embeddings.LayerNorm.bias")?.values.fill(Number.NaN) },
    /not a number/,
  ],
  ["a cut file", { spoil: (file) => truncate(file, 4000) }, /is cut|longer than the file/],
])("%s is refused by name", async (_case, options, message) => {
  await expect(convert(options, async () => {})).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringMatching(message),
  });
});
