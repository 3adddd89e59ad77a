/** A GGUF model of any type: what it needs in memory, and the engine that serves it. */

import type { ChatEngine, EmbeddingEngine } from "@openai-compat/core";
import type { LoadingSettings } from "../residency/model-resource.ts";
import { createLlamaEmbeddingEngine } from "./llama-embedding-engine.ts";
import type { LlamaEmbeddingSettings } from "./llama-embedding-settings.ts";
import { createLlamaEngine } from "./llama-engine.ts";
import type { LlamaEngineSettings } from "./llama-settings.ts";
import { estimateChatBytes, estimateEmbeddingBytes } from "./memory-estimate.ts";

export type LocalModel =
  | { readonly type: "chat"; readonly settings: LlamaEngineSettings }
  | { readonly type: "embedding"; readonly settings: LlamaEmbeddingSettings };

export function createLocalEngine(
  { type, settings }: LocalModel,
  loading: LoadingSettings,
): ChatEngine | EmbeddingEngine {
  return type === "chat"
    ? createLlamaEngine({ ...settings, loading })
    : createLlamaEmbeddingEngine({ ...settings, loading });
}

/** Upper bound of its memory when loaded, in bytes. @throws AiError `engine_unavailable` without the file */
export async function estimateLocalBytes({ type, settings }: LocalModel): Promise<number> {
  return type === "chat" ? estimateChatBytes(settings) : estimateEmbeddingBytes(settings);
}
