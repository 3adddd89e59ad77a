/** Loads a GGUF chat model with everything that a generation needs, and unloads it. */

import { AiError } from "@openai-compat/core";
import type { LlamaContext, LlamaContextSequence, LlamaModel, Token } from "node-llama-cpp";
import type { NativeLog } from "../host/native-model.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import type { SlotPool } from "../shared/slot-pool.ts";
import { matchAnyOf } from "./any-of.ts";
import { createChatTemplate } from "./chat-template.ts";
import type { ChatTemplate } from "./chat-template.ts";
import type { ChatModelSettings } from "./llama-settings.ts";
import { loadWithRuntime } from "./load-with-runtime.ts";
import type { NativeModule, NativeRuntime } from "./native-runtime.ts";
import { createOutputGrammars } from "./output-grammars.ts";
import type { OutputGrammars } from "./output-grammars.ts";
import { createEvaluationScheduler } from "./evaluation-scheduler.ts";
import type { EvaluationScheduler } from "./evaluation-scheduler.ts";
import { readGgufShape } from "../models/gguf-shape.ts";
import type { PromptTokenizer } from "./prompt-tokens.ts";
import { createSavedPrefixes } from "./saved-prefixes.ts";
import type { SavedPrefixes } from "./saved-prefixes.ts";
import { createSharedPrefix } from "./shared-prefix.ts";
import type { SharedPrefix } from "./shared-prefix.ts";
import { canOpenStateFiles, openStateFile } from "./state-file.ts";
import { measureProbabilities } from "./measure-probabilities.ts";
import { createNativeSampler, findNativeContext } from "./native-context.ts";
import { tokenizeInSlices } from "./sliced-tokens.ts";
import { serialiseSampling } from "./serialise-sampling.ts";
import type { InfillTokens, TextTokenizer } from "./text-tokens.ts";
import { timeEvaluations } from "./time-evaluations.ts";
import { decodeTokenBytes } from "./token-bytes.ts";
import type { TokenBytes } from "./token-bytes.ts";

/** What is known of the tokens that a sequence holds. */
export interface SequenceMemory {
  /** Whose prompt they are. */
  readonly owner: string | null;
  /** How many of the first ones were read in whole chunks of a reproducible prompt. */
  readonly readInChunks: number;
}

export interface LoadedModel {
  readonly module: NativeModule;
  readonly model: LlamaModel;
  /** Capacity of one sequence: prompt and completion together. */
  readonly contextTokens: number;
  /** Whether the memory of a sequence can be cut back to a prefix; a recurrent model starts over instead. */
  readonly canCutBack: boolean;
  /** Number of tokens in a chunk of a prompt that is read reproducibly. */
  readonly chunkTokens: number;
  /** Whether a text can be made independent of what ran before it and of what runs at the same time. */
  readonly canReproduce: boolean;
  readonly memories: WeakMap<LlamaContextSequence, SequenceMemory>;
  /** Null where this machine or the settings have no room for it. */
  readonly saved: SavedPrefixes | null;
  readonly sharedPrefix: SharedPrefix;
  readonly allSequences: readonly LlamaContextSequence[];
  /** Those that no generation uses. */
  readonly sequences: SlotPool<LlamaContextSequence>;
  /** As the native context numbers them. */
  readonly sequenceNumber: (sequence: LlamaContextSequence) => number;
  readonly scheduler: EvaluationScheduler;
  readonly template: ChatTemplate;
  readonly tokenizer: PromptTokenizer;
  readonly texts: TextTokenizer;
  readonly isToken: (id: number) => id is Token;
  readonly decodeToken: (token: Token) => TokenBytes;
  readonly outputGrammars: OutputGrammars;
  readonly log: NativeLog;
  /** Call when no generation runs. */
  readonly dispose: () => Promise<void>;
}

/**
 * On a CPU the kernels round differently for other numbers of rows, so a text can only be the same in every situation
 * when the same rows are always read together. Smaller chunks would miss the fast kernel of flash attention, larger
 * ones make running streams and newcomers wait.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 */
const CPU_CHUNK_TOKENS = 64;
/** A GPU needs more rows to be busy, and promises no equal rounding. */
const GPU_CHUNK_TOKENS = 512;
/** Of a value in a sequence's memory. */
export const HALF_BYTES = 2;
/** Room for the longest chunk in one evaluation. */
export const BATCH_TOKENS = 2 * GPU_CHUNK_TOKENS;
/**
 * Tokens of a prompt that are scored in one evaluation, at most: each takes a row of the whole vocabulary. On a CPU it
 * must leave the chunks as they are.
 */
export const SCORED_TOKENS_MAX = 2 * CPU_CHUNK_TOKENS;

/** @throws AiError `engine_unavailable` */
export async function loadModel(settings: ChatModelSettings, log: NativeLog): Promise<LoadedModel> {
  return loadWithRuntime({ gpu: settings.gpu, log }, (runtime) => loadInto(runtime, settings, log));
}

async function loadInto(runtime: NativeRuntime, settings: ChatModelSettings, log: NativeLog): Promise<LoadedModel> {
  const { module, llama } = runtime;
  const model = await llama.loadModel({ modelPath: settings.modelPath });
  try {
    const template = createModelTemplate(model);
    const contextTokens = Math.min(settings.contextTokens, model.trainContextSize);
    const context = await model.createContext({
      sequences: settings.concurrency,
      contextSize: contextTokens,
      batchSize: BATCH_TOKENS,
      threads: settings.threads,
      // Without it a model with a sliding window forgets the prefix that the next turn would reuse.
      swaFullCache: true,
      flashAttention: "auto",
    });
    const native = findNativeContext(context);
    const stopMeasuring = measureProbabilities(native, () => createNativeSampler(context));
    serialiseSampling(native);
    const evaluatedMs = timeEvaluations(native);
    const sequences = openSequences(context, settings.concurrency);
    const isToken = createTokenGuard(model);
    const tokenizer = createTokenizer(module, model);
    const canReproduce = llama.gpu === false;
    const chunkTokens = canReproduce ? CPU_CHUNK_TOKENS : GPU_CHUNK_TOKENS;
    const { streamGapMs } = settings;
    const saved = await openSavedPrefixes(settings, contextTokens);
    return {
      module,
      model,
      contextTokens,
      canCutBack: !model.fileInsights.isRecurrent,
      chunkTokens,
      canReproduce,
      memories: new WeakMap(),
      saved,
      sharedPrefix: settings.shareSystemPrompts ? createModelSharedPrefix(model, template) : () => 0,
      allSequences: sequences,
      sequences: createSlotPool(sequences),
      sequenceNumber: (sequence) => sequences.indexOf(sequence),
      scheduler: createEvaluationScheduler({ chunkTokens, chunkTokensMax: BATCH_TOKENS, streamGapMs, evaluatedMs }),
      template,
      tokenizer,
      texts: createTextTokenizer(model, tokenizer),
      isToken,
      decodeToken: createTokenDecoder(model),
      outputGrammars: createOutputGrammars(llama),
      log,
      async dispose() {
        stopMeasuring();
        await saved?.close();
        await context.dispose();
        await model.dispose();
      },
    };
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

async function openSavedPrefixes(settings: ChatModelSettings, contextTokens: number): Promise<SavedPrefixes | null> {
  const { modelPath, concurrency, savedPrefixBytesMax } = settings;
  if (savedPrefixBytesMax === 0 || !(await canOpenStateFiles())) return null;
  const { rememberedPerToken } = await readGgufShape(modelPath);
  const bytesPerToken = rememberedPerToken * HALF_BYTES;
  const bytesMax = Math.min(savedPrefixBytesMax, concurrency * contextTokens * bytesPerToken);
  return createSavedPrefixes({ bytesMax, bytesPerToken, openFile: openStateFile });
}

function createModelSharedPrefix(model: LlamaModel, template: ChatTemplate): SharedPrefix {
  const { token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  return createSharedPrefix({
    template,
    tokenize: (text) => model.tokenize(text, true),
    isControlToken: (token) => CONTROL_TYPES.includes(types[token] ?? 0),
    prefixToken: model.tokens.shouldPrependBosToken ? model.tokens.bos : null,
  });
}

function openSequences(context: LlamaContext, count: number): LlamaContextSequence[] {
  return Array.from({ length: count }, () =>
    context.getSequence({
      contextShift: {
        // The default erases the oldest tokens silently.
        strategy: () => {
          throw new AiError("engine_failed", "The context of the model is full.");
        },
      },
    }),
  );
}

function createModelTemplate(model: LlamaModel): ChatTemplate {
  const source = model.fileInfo.metadata.tokenizer.chat_template;
  if (source === undefined) {
    throw new AiError("engine_unavailable", "The model file has no chat template: it is not a chat model.");
  }
  return createChatTemplate({
    source,
    bosText: model.tokens.bosString ?? "",
    eosText: model.tokens.eosString ?? "",
  });
}

/**
 * GGUF token types: 2 is unknown, 3 is control; 4, user-defined, is plain text to a tokenizer, but always one token.
 */
const CONTROL_TYPES: readonly number[] = [2, 3];
const FIXED_TYPES: readonly number[] = [...CONTROL_TYPES, 4];

function createTokenizer(module: NativeModule, model: LlamaModel): PromptTokenizer {
  const isSpm = model.vocabularyType === module.LlamaVocabularyType.spm;
  return {
    tokenize(text, special) {
      // Such a tokenizer adds a space before every text; in the middle of a prompt there must be none.
      return isSpm && !special ? model.tokenize(text, false, "trimLeadingSpace") : model.tokenize(text, special);
    },
    controlText: matchAnyOf(listTexts(model, CONTROL_TYPES)),
    fixedText: matchAnyOf(listTexts(model, FIXED_TYPES)),
    prefixToken: model.tokens.shouldPrependBosToken ? model.tokens.bos : null,
  };
}

/** Of the tokens of some types. */
function listTexts(model: LlamaModel, tokenTypes: readonly number[]): readonly string[] {
  const { tokens: texts, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  return types.flatMap((type, id) => (tokenTypes.includes(type) ? [texts[id] ?? ""] : []));
}

function createTextTokenizer(model: LlamaModel, tokenizer: PromptTokenizer): TextTokenizer {
  const isToken = createTokenGuard(model);
  return {
    tokenize: (text, slices) => tokenizeInSlices(text, { special: true, tokenizer, slices }),
    detokenize: (tokens) => model.detokenize(tokens.filter(isToken), true),
    isToken,
    prefixToken: tokenizer.prefixToken,
    documentToken: model.tokens.bos ?? model.tokens.eos,
    infill: findInfillTokens(model),
  };
}

function findInfillTokens({ tokens: { infill } }: LlamaModel): InfillTokens | null {
  const { prefix, suffix, middle } = infill;
  return prefix === null || suffix === null || middle === null ? null : { prefix, suffix, middle };
}

function createTokenDecoder(model: LlamaModel): (token: Token) => TokenBytes {
  const { tokens: texts, token_type: types } = model.fileInfo.metadata.tokenizer.ggml;
  const isToken = createTokenGuard(model);
  // After itself: at the beginning of a text, some tokenizers drop a space.
  const detokenize = (token: number) => (isToken(token) ? model.detokenize([token], false, [token]) : "");
  const isControlToken = (token: number) => CONTROL_TYPES.includes(types[token] ?? 0);
  return (token) => decodeTokenBytes(token, { texts, isControlToken, detokenize });
}

function createTokenGuard(model: LlamaModel): (id: number) => id is Token {
  const vocabularySize = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  return (id): id is Token => Number.isInteger(id) && id >= 0 && id < vocabularySize;
}
