/** The settings of an ONNX embedding engine and their defaults; no other module may define one. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";

/** What the process of the model has to know: plain data. */
export interface OnnxEmbeddingModelSettings {
  /** The file that a pull converted, absolute or from the working directory. */
  readonly modelPath: string;
  /** The longest input, markers included; cut to what the model was trained for. Default 8,192. */
  readonly contextTokens: number;
  /** CPU threads. Default: cores minus one, up to 4; at least 1. */
  readonly threads: number;
  /** Tokens that are computed at once, padding included; a longer text is computed alone. Default 320. */
  readonly batchTokens: number;
}

export interface OnnxEmbeddingSettings {
  readonly modelPath: string;
  readonly contextTokens?: number | undefined;
  readonly threads?: number | undefined;
  readonly batchTokens?: number | undefined;
  /** Calls side by side; more wait. Their texts share batches. Default 16. */
  readonly concurrency?: number | undefined;
  /** Whether the model was trained so that the first dimensions are a vector by themselves. Default false. */
  readonly truncatableVectors?: boolean | undefined;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
}

const THREADS_DEFAULT_MAX = 4;
/** A larger batch is no faster for each text: its activations no longer fit into the caches. Other calls wait for it. */
const BATCH_TOKENS_DEFAULT = 320;
export const ONNX_EMBEDDING_CONCURRENCY_DEFAULT = 16;

export function resolveOnnxEmbeddingModel(settings: OnnxEmbeddingSettings): OnnxEmbeddingModelSettings {
  return {
    modelPath: settings.modelPath,
    contextTokens: settings.contextTokens ?? 8192,
    threads: settings.threads ?? Math.min(THREADS_DEFAULT_MAX, Math.max(1, availableParallelism() - 1)),
    batchTokens: settings.batchTokens ?? BATCH_TOKENS_DEFAULT,
  };
}
