import { readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { convertBertToGguf } from "./bert-to-gguf.ts";
import { decodeGgufHeader } from "../gguf-header.ts";
import { TINY_BERT, TINY_VOCABULARY, writeTinyBert, type BuildBertOptions } from "../testing/build-bert.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directory.ts";

const PARAMETERS = { name: "tiny", headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 };

async function convert(options: BuildBertOptions & { readonly spoil?: (weightsPath: string) => Promise<void> } = {}) {
  await using directory = await makeTemporaryDirectory();
  const files = await writeTinyBert(directory.path, options);
  await options.spoil?.(files.weightsPath);
  const targetPath = path.join(directory.path, "tiny.gguf");
  const { sha256 } = await convertBertToGguf({ ...files, targetPath, parameters: PARAMETERS });
  return { sha256, bytes: await readFile(targetPath) };
}

test("an encoder becomes a GGUF file with llama.cpp's names, matrices as Q8_0, without the pooler", async () => {
  const { bytes } = await convert();
  const { header } = decodeGgufHeader(bytes);
  const tensors = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  const { width, feedForward } = TINY_BERT;
  expect(tensors.get("token_embd.weight")).toMatchObject({ dimensions: [width, TINY_VOCABULARY.length], type: 8 });
  expect(tensors.get("blk.0.ffn_up.weight")).toMatchObject({ dimensions: [width, feedForward], type: 8 });
  expect(tensors.get("blk.0.ffn_up.bias")).toMatchObject({ dimensions: [feedForward], type: 0 });
  expect(tensors.get("position_embd.weight")).toMatchObject({ type: 0 });
  expect([...tensors.keys()].filter((name) => name.includes("pooler"))).toEqual([]);
});

test("the same files give the same bytes", async () => {
  expect((await convert()).sha256).toBe((await convert()).sha256);
});

test.each<[string, Parameters<typeof convert>[0], RegExp]>([
  [
    "an unknown tensor",
    { change: (all) => void all.set("decoder.x", { shape: [1], values: new Float32Array(1) }) },
    /decoder\.x/,
  ],
  ["no positions", { change: (all) => void all.delete("embeddings.position_embeddings.weight") }, /position_embd/],
  ["another vocabulary", { vocabulary: TINY_VOCABULARY.slice(1) }, /vocabulary has/],
  ["no end marker", { vocabulary: TINY_VOCABULARY.map((token) => (token === "[SEP]" ? "sep" : token)) }, /\[SEP\]/],
  [
    "a weight that is no number",
    { change: (all) => void all.get("embeddings.LayerNorm.bias")?.values.fill(Number.NaN) },
    /not a number/,
  ],
  ["a cut file", { spoil: (file) => truncate(file, 4000) }, /is cut|longer than the file/],
  ["an empty file", { spoil: (file) => truncate(file, 0) }, /is cut/],
  ["a header that is no JSON", { spoil: (file) => writeFile(file, Buffer.from("\u0003\0\0\0\0\0\0\0{{{")) }, /no JSON/],
  ["a header beyond all bounds", { spoil: (file) => writeFile(file, Buffer.alloc(64, 0x7f)) }, /longer than the file/],
])("%s is refused by name", async (_case, options, message) => {
  await expect(convert(options)).rejects.toMatchObject({
    code: "invalid_value",
    message: expect.stringMatching(message),
  });
});
