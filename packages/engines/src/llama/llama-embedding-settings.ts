/** The settings of a llama embedding engine and their defaults; nothing else may invent one. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";

export interface LlamaEmbeddingSettings {
  /** The GGUF file, absolute or from the working directory, of a model that pools its vectors itself. */
  readonly modelPath: string;
  /** The longest input, markers included; cut to what the model was trained for. Default 8,192. */
  readonly contextTokens?: number;
  /**
   * Inputs that are read at once, of one call or of several; each has a context and a thread of its own. Default: the
   * cores, at most 8.
   */
  readonly parallelInputs?: number;
  /** Calls side by side; more wait. Default 16. */
  readonly concurrency?: number;
  /** `auto` uses a GPU when a matching binary is installed. Default false. */
  readonly gpu?: false | "auto";
  /** Whether the model was trained so that the first dimensions are a vector by themselves. Default false. */
  readonly isTruncatable?: boolean;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
  /** Gets the native library's own warnings and errors. Default: they are dropped. */
  readonly onNativeLog?: (level: string, line: string) => void;
}

export type ResolvedLlamaEmbeddingSettings = Required<LlamaEmbeddingSettings>;

const PARALLEL_INPUTS_DEFAULT_MAX = 8;

export function resolveLlamaEmbeddingSettings(settings: LlamaEmbeddingSettings): ResolvedLlamaEmbeddingSettings {
  return {
    modelPath: settings.modelPath,
    contextTokens: settings.contextTokens ?? 8192,
    parallelInputs: settings.parallelInputs ?? Math.min(PARALLEL_INPUTS_DEFAULT_MAX, availableParallelism()),
    concurrency: settings.concurrency ?? 16,
    gpu: settings.gpu ?? false,
    isTruncatable: settings.isTruncatable ?? false,
    loading: settings.loading ?? {},
    onNativeLog: settings.onNativeLog ?? (() => {}),
  };
}
