/**
 * The chat engine for GGUF models, each in a process of its own. No process is started, and no file is opened, before the first
 * call that needs the model.
 */

import type { ChatEngine, GenerationEvent, GenerationRequest } from "@openai-compat/core";
import { createHostedModel } from "../host/hosted-model.ts";
import { createModelLeases } from "../residency/model-leases.ts";
import { resolveChatModel } from "./llama-settings.ts";
import type { LlamaEngineSettings } from "./llama-settings.ts";
import { estimateChatBytes } from "./memory-estimate.ts";

/** One engine per model file. `completionTokens` counts every sampled token, the one that ends the turn included. */
export function createLlamaEngine(settings: LlamaEngineSettings): ChatEngine {
  const model = resolveChatModel(settings);
  const { contextTokens, concurrency } = model;
  const hosted = createHostedModel("llama-chat", model, {
    loading: settings.loading,
    estimateBytes: () => estimateChatBytes(settings),
  });
  const leases = createModelLeases(hosted);

  async function* generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const { value, release } = await leases.acquire(request.leaseId, signal);
    try {
      yield* value.streams.generate(request, signal);
    } finally {
      release();
    }
  }

  return {
    type: "chat",
    recommendedSampling: settings.recommendedSampling ?? {},
    limits: { contextTokens, concurrency },
    leases,
    prepare: (prompt, signal) => hosted.ask(({ answers }) => answers.prepare(prompt, signal), signal),
    prepareText: (prompt, signal) => hosted.ask(({ answers }) => answers.prepareText(prompt, signal), signal),
    generate,
    async close() {
      leases.close();
      await hosted.close();
    },
  };
}
