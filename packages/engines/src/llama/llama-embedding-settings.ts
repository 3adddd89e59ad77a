/** The settings of a llama embedding engine and their defaults; no other module may define one. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";

/** What the process of the model has to know: plain data. */
export interface EmbeddingModelSettings {
  /** The GGUF file, absolute or from the working directory, of a model that pools its vectors itself. */
  readonly modelPath: string;
  /** The longest input, markers included; cut to what the model was trained for. Default 8,192. */
  readonly contextTokens: number;
  /**
   * Threads, each with a context of its own: as many inputs are read at once, of one call or of several. Default: the
   * cores, at most 8.
   */
  readonly threads: number;
  /** Whether a GPU is used when a matching binary is installed. Default false. */
  readonly gpu: boolean;
}

type Optional<Settings> = { readonly [Key in keyof Settings]?: Settings[Key] | undefined };

export interface LlamaEmbeddingSettings
  extends Pick<EmbeddingModelSettings, "modelPath">, Optional<Omit<EmbeddingModelSettings, "modelPath">> {
  /** Calls side by side; more wait. Default 16. */
  readonly concurrency?: number | undefined;
  /** Whether the model was trained so that the first dimensions are a vector by themselves. Default false. */
  readonly truncatableVectors?: boolean | undefined;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
}

const THREADS_DEFAULT_MAX = 8;
export const EMBEDDING_CONCURRENCY_DEFAULT = 16;

export function resolveEmbeddingModel(settings: LlamaEmbeddingSettings): EmbeddingModelSettings {
  return {
    modelPath: settings.modelPath,
    contextTokens: settings.contextTokens ?? 8192,
    threads: settings.threads ?? Math.min(THREADS_DEFAULT_MAX, availableParallelism()),
    gpu: settings.gpu ?? false,
  };
}
