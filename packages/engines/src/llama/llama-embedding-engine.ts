/**
 * The embedding engine for GGUF models, each in a process of its own. No process is started, and no file is opened, before the
 * first call that needs the model.
 */

import type { EmbeddingEngine } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { EMBEDDING_CONCURRENCY_DEFAULT, resolveEmbeddingModel } from "./llama-embedding-settings.ts";
import type { LlamaEmbeddingSettings } from "./llama-embedding-settings.ts";
import { estimateEmbeddingBytes } from "./memory-estimate.ts";

export function createLlamaEmbeddingEngine(settings: LlamaEmbeddingSettings): EmbeddingEngine {
  const model = resolveEmbeddingModel(settings);
  const hosted = createHostedModel("llama-embedding", model, {
    loading: settings.loading,
    estimateBytes: () => estimateEmbeddingBytes(settings),
  });
  return {
    type: "embedding",
    limits: {
      contextTokens: model.contextTokens,
      concurrency: settings.concurrency ?? EMBEDDING_CONCURRENCY_DEFAULT,
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
