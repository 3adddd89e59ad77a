import path from "node:path";
import { expect, test } from "vitest";
import { convertBertToSafetensors } from "../models/convert/bert-to-safetensors.ts";
import { TINY_BERT, writeTinyBert } from "../models/testing/build-bert.ts";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import { estimateOnnxEmbeddingBytes } from "./onnx-embedding-memory.ts";

test("the estimate grows with the tokens of a batch, and a context beyond the model's positions changes nothing", async () => {
  await using directory = await makeTemporaryDirectory();
  const modelPath = path.join(directory.path, "tiny.int8.safetensors");
  const parameters = { name: "tiny", headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 };
  await convertBertToSafetensors({ ...(await writeTinyBert(directory.path)), targetPath: modelPath, parameters });
  const common = await estimateOnnxEmbeddingBytes({ modelPath });
  expect(await estimateOnnxEmbeddingBytes({ modelPath, batchTokens: 4096 })).toBeGreaterThan(common);
  expect(await estimateOnnxEmbeddingBytes({ modelPath, contextTokens: TINY_BERT.positions })).toBe(common);
  expect(await estimateOnnxEmbeddingBytes({ modelPath, contextTokens: 8 })).toBeLessThan(common);
});

test("a file that is missing has no estimate, and its path is not disclosed", async () => {
  const estimate = estimateOnnxEmbeddingBytes({ modelPath: "/nowhere/secret.safetensors" });
  await expect(estimate).rejects.toMatchObject({ code: "engine_unavailable" });
  await expect(estimate).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
});
