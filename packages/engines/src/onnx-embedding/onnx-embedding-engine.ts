/**
 * The embedding engine for BERT sentence encoders on ONNX Runtime, each in a process of its own. No process is started,
 * and no file is opened, before the first call that needs the model.
 */

import type { EmbeddingEngine } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { estimateOnnxEmbeddingBytes } from "./onnx-embedding-memory.ts";
import { ONNX_EMBEDDING_CONCURRENCY_DEFAULT, resolveOnnxEmbeddingModel } from "./onnx-embedding-settings.ts";
import type { OnnxEmbeddingSettings } from "./onnx-embedding-settings.ts";

export function createOnnxEmbeddingEngine(settings: OnnxEmbeddingSettings): EmbeddingEngine {
  const model = resolveOnnxEmbeddingModel(settings);
  const hosted = createHostedModel("onnx-embedding", model, {
    loading: settings.loading,
    estimateBytes: () => estimateOnnxEmbeddingBytes(settings),
  });
  return {
    type: "embedding",
    limits: {
      contextTokens: model.contextTokens,
      concurrency: settings.concurrency ?? ONNX_EMBEDDING_CONCURRENCY_DEFAULT,
    },
    isTruncatable: settings.truncatableVectors ?? false,
    prepare: (inputs, signal) => hosted.ask(({ answers }) => answers.prepare(inputs, signal), signal),
    async *embed(inputs, signal) {
      const { value, release } = await hosted.acquire(signal);
      try {
        yield* value.streams.embed(inputs, signal);
      } finally {
        release();
      }
    },
    close: () => hosted.close(),
  };
}
