/** The settings of a llama engine and their defaults; no other module may define one. */

import { availableParallelism } from "node:os";
import type { RecommendedSampling } from "@openai-compat/core";
import type { LoadingSettings } from "../residency/model-resource.ts";

/** What the process of the model has to know: plain data. */
export interface ChatModelSettings {
  /** The GGUF file, absolute or from the working directory. It must hold a chat template. */
  readonly modelPath: string;
  /** Generations side by side; each has a context of its own in memory. Default 4. */
  readonly concurrency: number;
  /** Prompt and completion together, per sequence; cut to what the model was trained for. Default 4,096. */
  readonly contextTokens: number;
  /**
   * Compute threads. Default: one less than the cores, at least one. Idle threads spin, so using every core of a shared
   * machine makes decoding ten times slower.
   */
  readonly threads: number;
  /** Whether a GPU is used when a matching binary is installed. Default false. */
  readonly gpu: boolean;
  /**
   * How many of the likeliest tokens are sampled from at a temperature above 0; 0 for all, at some cost. Default 1,000.
   */
  readonly candidateTokensMax: number;
  /**
   * Whether every text is reproducible, not only those of requests with a seed: prompts are then read more slowly. Only
   * on a CPU. Default false.
   */
  readonly reproducible: boolean;
  /**
   * How long two tokens of a stream should be apart at most while the prompts of other calls are read, in milliseconds:
   * prompts are cut accordingly, reproducible ones excepted. Default 125.
   */
  readonly streamGapMs: number;
  /**
   * Bytes of the host's memory for what sequences held before other prompts took them, so that a conversation that comes
   * back is not read again; 0 for none. At most what the sequences themselves take. Linux only. Default 128 MiB.
   */
  readonly savedPrefixBytesMax: number;
  /**
   * Whether a system prompt that several accounts send is read once for all. `cached_tokens`, and the time, then tell an
   * account that another one has sent the same. Default true.
   */
  readonly shareSystemPrompts: boolean;
}

type Optional<Settings> = { readonly [Key in keyof Settings]?: Settings[Key] | undefined };

export interface LlamaEngineSettings
  extends Pick<ChatModelSettings, "modelPath">, Optional<Omit<ChatModelSettings, "modelPath">> {
  /** Used where a request sets no value. Default: none. */
  readonly recommendedSampling?: RecommendedSampling;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
}

export function resolveChatModel(settings: LlamaEngineSettings): ChatModelSettings {
  return {
    modelPath: settings.modelPath,
    concurrency: settings.concurrency ?? 4,
    contextTokens: settings.contextTokens ?? 4096,
    threads: settings.threads ?? Math.max(1, availableParallelism() - 1),
    gpu: settings.gpu ?? false,
    candidateTokensMax: settings.candidateTokensMax ?? 1000,
    reproducible: settings.reproducible ?? false,
    streamGapMs: settings.streamGapMs ?? 125,
    savedPrefixBytesMax: settings.savedPrefixBytesMax ?? 128 * 1024 * 1024,
    shareSystemPrompts: settings.shareSystemPrompts ?? true,
  };
}
