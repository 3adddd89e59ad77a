/** Loads a GGUF embedding model, with a context for each input that is read at once. */

import type { WorkSlices } from "@openai-compat/core";
import type { LlamaEmbeddingContext, LlamaModel, Token } from "node-llama-cpp";
import type { NativeLog } from "../host/native-model.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import type { SlotPool } from "../shared/slot-pool.ts";
import { matchAnyOf } from "./any-of.ts";
import type { EmbeddingModelSettings } from "./llama-embedding-settings.ts";
import { loadWithRuntime } from "./load-with-runtime.ts";
import type { NativeModule, NativeRuntime } from "./native-runtime.ts";
import { tokenizeInSlices } from "./sliced-tokens.ts";

export interface LoadedEmbeddingModel {
  /** The longest input, markers included. */
  readonly contextTokens: number;
  readonly dimensions: number;
  readonly contexts: SlotPool<LlamaEmbeddingContext>;
  /** Markers included. No text becomes a marker. */
  readonly tokenise: (text: string, slices: WorkSlices) => Promise<readonly number[]>;
  /** A caller's token ids, with missing markers added; null where the model lacks one of the ids. */
  readonly adopt: (tokens: readonly number[]) => readonly number[] | null;
  readonly isToken: (id: number) => id is Token;
  /** Call when nothing runs. */
  readonly dispose: () => Promise<void>;
}

/** @throws AiError `engine_unavailable` */
export async function loadEmbeddingModel(
  settings: EmbeddingModelSettings,
  log: NativeLog,
): Promise<LoadedEmbeddingModel> {
  return loadWithRuntime({ gpu: settings.gpu, log }, (runtime) => loadInto(runtime, settings));
}

async function loadInto(runtime: NativeRuntime, settings: EmbeddingModelSettings): Promise<LoadedEmbeddingModel> {
  const { module, llama } = runtime;
  const model = await llama.loadModel({ modelPath: settings.modelPath });
  try {
    const contextTokens = Math.min(settings.contextTokens, model.trainContextSize);
    const contexts: LlamaEmbeddingContext[] = [];
    for (let count = 0; count < settings.threads; count += 1) {
      // The library keeps the last token free, and reads an input in one batch or not at all.
      const size = contextTokens + 1;
      contexts.push(await model.createEmbeddingContext({ contextSize: size, batchSize: size, threads: 1 }));
    }
    const vocabularySize = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
    const isToken = (id: number): id is Token => Number.isInteger(id) && id >= 0 && id < vocabularySize;
    const mark = createMarker(module, model);
    const tokenizer = { tokenize: (text: string) => model.tokenize(text, false), fixedText: matchAnyOf([]) };
    return {
      contextTokens,
      dimensions: model.embeddingVectorSize,
      contexts: createSlotPool(contexts),
      tokenise: async (text, slices) => mark(await tokenizeInSlices(text, { special: false, tokenizer, slices })),
      adopt: (tokens) => (tokens.every(isToken) ? mark(tokens) : null),
      isToken,
      async dispose() {
        for (const context of contexts) await context.dispose();
        await model.dispose();
      },
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** Puts the markers around a text that the model was trained with, as llama.cpp's own tokenizer does. */
function createMarker(module: NativeModule, model: LlamaModel): (tokens: readonly number[]) => readonly number[] {
  const { bos, eos, sep, shouldPrependBosToken, shouldAppendEosToken } = model.tokens;
  const isWordPiece = model.vocabularyType === module.LlamaVocabularyType.wpm;
  const isUnigram = model.vocabularyType === module.LlamaVocabularyType.ugm;
  const first = isWordPiece || (shouldPrependBosToken && !isUnigram) ? bos : null;
  const endToken = shouldAppendEosToken || isUnigram ? eos : null;
  const last = isWordPiece ? sep : endToken;
  return (tokens) => [
    ...(first !== null && tokens[0] !== first ? [first] : []),
    ...tokens,
    ...(last !== null && tokens.at(-1) !== last ? [last] : []),
  ];
}
