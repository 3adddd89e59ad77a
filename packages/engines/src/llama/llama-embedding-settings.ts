/** The settings of a llama embedding engine and their defaults; no other module may define one. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";

export interface LlamaEmbeddingSettings {
  /** The GGUF file, absolute or from the working directory, of a model that pools its vectors itself. */
  readonly modelPath: string;
  /** The longest input, markers included; cut to what the model was trained for. Default 8,192. */
  readonly contextTokens?: number | undefined;
  /**
   * Threads, each with a context of its own: as many inputs are read at once, of one call or of several. Default: the
   * cores, at most 8.
   */
  readonly threads?: number | undefined;
  /** Calls side by side; more wait. Default 16. */
  readonly concurrency?: number | undefined;
  /** Whether a GPU is used when a matching binary is installed. Default false. */
  readonly gpu?: boolean | undefined;
  /** Whether the model was trained so that the first dimensions are a vector by themselves. Default false. */
  readonly truncatableVectors?: boolean | undefined;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
  /** Gets the native library's own warnings and errors. Default: they are dropped. */
  readonly onNativeLog?: (level: string, line: string) => void;
}

export type ResolvedLlamaEmbeddingSettings = {
  readonly [Key in keyof LlamaEmbeddingSettings]-?: Exclude<LlamaEmbeddingSettings[Key], undefined>;
};

const THREADS_DEFAULT_MAX = 8;

export function resolveLlamaEmbeddingSettings(settings: LlamaEmbeddingSettings): ResolvedLlamaEmbeddingSettings {
  return {
    modelPath: settings.modelPath,
    contextTokens: settings.contextTokens ?? 8192,
    threads: settings.threads ?? Math.min(THREADS_DEFAULT_MAX, availableParallelism()),
    concurrency: settings.concurrency ?? 16,
    gpu: settings.gpu ?? false,
    truncatableVectors: settings.truncatableVectors ?? false,
    loading: settings.loading ?? {},
    onNativeLog: settings.onNativeLog ?? (() => {}),
  };
}
