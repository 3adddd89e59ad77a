/** A loaded BERT sentence encoder: computes the vectors of texts, all in one run. */

import path from "node:path";
import { AiError } from "@openai-compat/core";
import { importOnnxRuntime, openOnnxSession } from "../onnx/onnx-runtime.ts";
import type { BertCheckpoint } from "./bert-checkpoint.ts";
import { buildBertGraph } from "./bert-graph.ts";

export interface BertModel {
  /**
   * @param texts tokens with their markers, none longer than the model's positions
   * @returns a vector of length 1 for each
   * @throws Error of the library, and for a vector that has no direction
   */
  embed(texts: readonly (readonly number[])[]): Promise<readonly Float32Array<ArrayBuffer>[]>;
  dispose(): Promise<void>;
}

/** @throws AiError `engine_unavailable` */
export async function loadBertModel(
  checkpoint: BertCheckpoint,
  { threads, padding }: { readonly threads: number; readonly padding: number },
): Promise<BertModel> {
  const runtime = await importOnnxRuntime();
  const { width } = checkpoint.config;
  const session = await openSession(checkpoint, threads);
  return {
    async embed(texts) {
      const longest = texts.reduce((max, { length }) => Math.max(max, length), 0);
      const shape = [texts.length, longest];
      const tokens = new BigInt64Array(texts.length * longest).fill(BigInt(padding));
      const mask = new Int32Array(tokens.length);
      const shares = new Float32Array(tokens.length);
      for (const [row, text] of texts.entries()) {
        const start = row * longest;
        for (const [index, token] of text.entries()) tokens[start + index] = BigInt(token);
        mask.fill(1, start, start + text.length);
        shares.fill(1 / text.length, start, start + text.length);
      }
      const results = await session.run({
        tokens: new runtime.Tensor("int64", tokens, shape),
        mask: new runtime.Tensor("int32", mask, shape),
        shares: new runtime.Tensor("float32", shares, [texts.length, 1, longest]),
      });
      const data = results["vectors"]?.data;
      if (!(data instanceof Float32Array)) throw new Error("The model gives no vectors.");
      return texts.map((_, row) => normalise(data.subarray(row * width, (row + 1) * width)));
    },
    dispose: async () => session.release(),
  };

  async function openSession(model: BertCheckpoint, count: number) {
    try {
      return await openOnnxSession(runtime, {
        model: await buildBertGraph(model),
        weightsDirectory: path.dirname(model.modelPath),
        threads: count,
      });
    } catch (thrown) {
      if (thrown instanceof AiError) throw thrown;
      const message = "The embedding model can't be loaded. Pull it again.";
      throw new AiError("engine_unavailable", message, { cause: thrown });
    }
  }
}

function normalise(vector: Float32Array): Float32Array<ArrayBuffer> {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  if (!(length > 0 && Number.isFinite(length))) throw new Error(`The model's vector has the length ${length}.`);
  return Float32Array.from(vector, (value) => value / length);
}
