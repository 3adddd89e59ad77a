/**
 * A GGUF chat model in the process of its own: everything between messages and tokens. It is loaded when it is opened and stays until it is
 * disposed of.
 */

import { AiError, createWorkSlices } from "@openai-compat/core";
import type {
  ChatPrompt,
  GenerationEvent,
  GenerationOptions,
  GenerationRequest,
  PreparedPrompt,
  PreparedText,
  TextPrompt,
} from "@openai-compat/core";
import type { Token } from "node-llama-cpp";
import { compileOutput } from "../grammar/output-schemas.ts";
import type { NativeAnswer, NativeLog, NativeModel, NativeStream } from "../host/native-model.ts";
import { assertFitsContext } from "../shared/context-limit.ts";
import { examineOptions } from "../shared/examine-options.ts";
import { createAnswerReader } from "./answer-reader.ts";
import type { AnswerReader, UntaggedCalls } from "./answer-reader.ts";
import { ENDS_IN_REASONING } from "./chat-template.ts";
import { constrainOutput } from "./constraint.ts";
import { eraseTokens } from "./erase-tokens.ts";
import { runGeneration } from "./generation.ts";
import type { Generation } from "./generation.ts";
import { chooseSequence } from "./prefix-reuse.ts";
import type { ChatModelSettings } from "./llama-settings.ts";
import { loadModel } from "./loaded-model.ts";
import type { LoadedModel } from "./loaded-model.ts";
import type { Turn } from "./evaluation-scheduler.ts";
import { tokenizePrompt } from "./prompt-tokens.ts";
import { mapSampling } from "./sampling-options.ts";
import type { SamplingContext } from "./sampling-options.ts";
import { isNoTokenError } from "./serialise-sampling.ts";
import { tokenizeText } from "./text-tokens.ts";
import { findUntaggedCalls } from "./untagged-tools.ts";

export interface NativeChat extends NativeModel {
  /** As the functions of `ChatEngine`. */
  readonly answers: {
    readonly prepare: NativeAnswer<ChatPrompt, PreparedPrompt>;
    readonly prepareText: NativeAnswer<TextPrompt, PreparedText>;
  };
  readonly streams: {
    readonly generate: NativeStream<GenerationRequest, GenerationEvent>;
  };
}

/** @throws AiError `engine_unavailable` */
export async function openNativeChat(settings: ChatModelSettings, log: NativeLog): Promise<NativeChat> {
  const loaded = await loadModel(settings, log);
  return {
    answers: {
      async prepare({ messages, options }, signal) {
        const prompt = { messages, output: options.output };
        const tokens = await tokenizePrompt(prompt, loaded, createWorkSlices({ signal }));
        return { tokens, ...(await describeOptions(loaded, settings, { tokens, options })) };
      },
      async prepareText({ options, ...text }, signal) {
        const tokenised = await tokenizeText(text, loaded.texts, createWorkSlices({ signal }));
        return { ...tokenised, ...(await describeOptions(loaded, settings, { ...tokenised, options })) };
      },
    },
    streams: {
      generate(request, signal) {
        // The generations of a lease are one call.
        const call = request.leaseId ?? {};
        return generate(loaded, settings, { request, turn: { signal, call, share: request.shareId ?? call } });
      },
    },
    dispose: () => loaded.dispose(),
  };
}
/** A prompt that does not fit is refused, so its schemas are not compiled for it. */
async function describeOptions(
  loaded: LoadedModel,
  settings: ChatModelSettings,
  { tokens, options }: { readonly tokens: readonly number[]; readonly options: GenerationOptions },
): Promise<Omit<PreparedPrompt, "tokens">> {
  const { contextTokens } = loaded;
  if (tokens.length > contextTokens) return { contextTokens, relaxed: [], refusal: null };
  const examined = await examineOptions(async () => {
    const { relaxed } = await compileOutput(options.output);
    mapSampling(options.sampling, { sampledTokens: [], tokensMax: 1 }, samplingContext(loaded, settings));
    return relaxed;
  });
  return { contextTokens, ...examined };
}

/** Cleanup runs to its end after an abort. */
const UNABORTED = new AbortController().signal;

async function* generate(
  loaded: LoadedModel,
  settings: ChatModelSettings,
  { request, turn }: { request: GenerationRequest; turn: Turn },
): AsyncGenerator<GenerationEvent, void> {
  const { signal } = turn;
  assertFitsContext(request, loaded.contextTokens);
  const generation = await buildGeneration(loaded, settings, request);
  const sequence = await loaded.sequences.acquire(signal, (free) => chooseSequence(loaded, free, generation));
  try {
    yield* runGeneration(loaded, sequence, { generation, turn });
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error;
    // The state after a failed evaluation is unknown, also when it was aborted.
    const cleanup = await Promise.allSettled([eraseTokens(loaded, sequence, { ...turn, start: 0, signal: UNABORTED })]);
    const cause = cleanup[0].status === "fulfilled" ? error : new AggregateError([error, cleanup[0].reason]);
    signal.throwIfAborted();
    if (error instanceof AiError) throw error;
    if (generation.constraint !== null && isNoTokenError(error)) throw refuseFormat(cause);
    throw new AiError("engine_failed", "The model failed to generate an answer. Please try again.", { cause });
  } finally {
    loaded.sequences.release(sequence);
  }
}

function refuseFormat(cause: unknown): AiError {
  const message =
    "The model found no token that conforms to the requested output format within its time. " +
    "Simplify the schema: shorter patterns, fewer nested repetitions.";
  return new AiError("invalid_value", message, { cause });
}

async function buildGeneration(
  loaded: LoadedModel,
  settings: ChatModelSettings,
  request: GenerationRequest,
): Promise<Generation> {
  const tokens = request.prompt.tokens.filter(loaded.isToken);
  if (tokens.length === 0 || tokens.length < request.prompt.tokens.length) {
    throw new AiError("engine_failed", "The prompt was not made by this model.");
  }
  const sampledTokens: Token[] = [];
  const sampling = mapSampling(
    request.sampling,
    { sampledTokens, tokensMax: request.tokensMax },
    samplingContext(loaded, settings),
  );
  const reader = openReader(loaded, { tokens, request, untagged: await findUntaggedCalls(request.output) });
  const constraint = await constrainOutput(loaded, request, reader);
  const { grammarOption } = constraint ?? {};
  return {
    request,
    tokens,
    sampledTokens,
    reader,
    isReproducible: loaded.canReproduce && (settings.reproducible || request.isReproducible),
    owner: request.shareId,
    // A text may have control tokens of its sender, so nothing in it is a whole system prompt.
    sharedTokens: request.style === "chat" ? loaded.sharedPrefix(tokens) : 0,
    constraint,
    options: { ...sampling, ...grammarOption, yieldEogToken: true },
  };
}

const LAST_TOKENS = 8;

interface ReaderOptions {
  readonly tokens: readonly Token[];
  readonly request: GenerationRequest;
  readonly untagged: UntaggedCalls | null;
}

function openReader({ template, model }: LoadedModel, { tokens, request, untagged }: ReaderOptions): AnswerReader {
  const { output, stop, style } = request;
  if (style === "text") return createAnswerReader({ stop, calls: "none", reasoning: "none", untagged: null });
  const isReasoningOpen =
    template.supportsReasoning && ENDS_IN_REASONING.test(model.detokenize(tokens.slice(-LAST_TOKENS), true));
  return createAnswerReader({
    stop,
    calls: output.toolUse === null ? "none" : output.toolUse.mode === "required" ? "only" : "possible",
    reasoning: isReasoningOpen ? "open" : template.supportsReasoning ? "possible" : "none",
    untagged,
  });
}

function samplingContext(loaded: LoadedModel, settings: ChatModelSettings): SamplingContext {
  const { module, model, isToken } = loaded;
  return { module, model, isToken, candidateTokensMax: settings.candidateTokensMax };
}
