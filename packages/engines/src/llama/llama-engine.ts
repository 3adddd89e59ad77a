/**
 * The chat engine for GGUF models, on the raw sequences of node-llama-cpp. Nothing native is imported, and no file is
 * opened, before the first call that needs the model.
 */

import { AiError, createWorkSlices } from "@openai-compat/core";
import type {
  ChatEngine,
  GenerationOptions,
  GenerationEvent,
  GenerationRequest,
  PreparedPrompt,
} from "@openai-compat/core";
import type { Token } from "node-llama-cpp";
import { compileOutput } from "../grammar/output-schemas.ts";
import { assertFitsContext } from "../shared/context-limit.ts";
import { examineOptions } from "../shared/examine-options.ts";
import { createModelLeases } from "../residency/model-leases.ts";
import { createModelResource } from "../residency/model-resource.ts";
import { ENDS_IN_REASONING } from "./chat-template.ts";
import { createAnswerReader } from "./answer-reader.ts";
import type { AnswerReader, UntaggedCalls } from "./answer-reader.ts";
import { eraseTokens } from "./erase-tokens.ts";
import { chooseSequence, runGeneration } from "./generation.ts";
import type { Generation } from "./generation.ts";
import type { Turn } from "./prefill-scheduler.ts";
import { resolveLlamaSettings } from "./llama-settings.ts";
import type { LlamaEngineSettings, ResolvedLlamaSettings } from "./llama-settings.ts";
import { loadModel } from "./loaded-model.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { estimateChatBytes } from "./memory-estimate.ts";
import { constrainOutput } from "./constraint.ts";
import { tokenizePrompt } from "./prompt-tokens.ts";
import { isNoTokenError } from "./serialise-sampling.ts";
import { mapSampling } from "./sampling-options.ts";
import type { SamplingContext } from "./sampling-options.ts";
import { findUntaggedCalls } from "./untagged-tools.ts";
import { tokenizeText } from "./text-tokens.ts";

/** One engine per model file. `completionTokens` counts every sampled token, the one that ends the turn included. */
export function createLlamaEngine(settings: LlamaEngineSettings): ChatEngine {
  const resolved = resolveLlamaSettings(settings);
  const resource = createModelResource<LoadedModel>({
    settings: resolved.loading,
    estimateBytes: () => estimateChatBytes(resolved),
    load: () => loadModel(resolved),
    unload: async (loaded) => loaded.dispose(),
  });
  const leases = createModelLeases(resource);

  async function withModel<Result>(
    signal: AbortSignal,
    use: (loaded: LoadedModel) => Promise<Result>,
  ): Promise<Result> {
    const { value: loaded, release } = await resource.acquire(signal);
    try {
      return await use(loaded);
    } finally {
      release();
    }
  }

  async function* generate(request: GenerationRequest, signal: AbortSignal): AsyncGenerator<GenerationEvent, void> {
    const { value: loaded, call, release } = await leases.acquire(request.leaseId, signal);
    try {
      yield* generateOn(loaded, resolved, { request, turn: { signal, call } });
    } finally {
      release();
    }
  }

  return {
    type: "chat",
    recommendedSampling: resolved.recommendedSampling,
    limits: { contextTokens: resolved.contextTokens, concurrency: resolved.concurrency },
    leases,
    prepare: ({ messages, options }, signal) =>
      withModel(signal, async (loaded) => {
        const prompt = { messages, output: options.output };
        const tokens = await tokenizePrompt(prompt, loaded, createWorkSlices({ signal }));
        return { tokens, ...(await describeOptions(loaded, resolved, { tokens, options })) };
      }),
    prepareText: ({ options, ...text }, signal) =>
      withModel(signal, async (loaded) => {
        const tokenised = await tokenizeText(text, loaded.texts, createWorkSlices({ signal }));
        return { ...tokenised, ...(await describeOptions(loaded, resolved, { ...tokenised, options })) };
      }),
    generate,
    async close() {
      leases.close();
      await resource.close();
    },
  };
}

/** A prompt that does not fit is refused, so its schemas are not compiled for it. */
async function describeOptions(
  loaded: LoadedModel,
  settings: ResolvedLlamaSettings,
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

async function* generateOn(
  loaded: LoadedModel,
  settings: ResolvedLlamaSettings,
  { request, turn }: { request: GenerationRequest; turn: Turn },
): AsyncGenerator<GenerationEvent, void> {
  const { signal } = turn;
  assertFitsContext(request, loaded.contextTokens);
  const generation = await buildGeneration(loaded, settings, request);
  const sequence = await loaded.sequences.acquire(signal, (free) => chooseSequence(loaded, free, generation.tokens));
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
  settings: ResolvedLlamaSettings,
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

function samplingContext(loaded: LoadedModel, settings: ResolvedLlamaSettings): SamplingContext {
  const { module, model, isToken } = loaded;
  return { module, model, isToken, candidateTokensMax: settings.candidateTokensMax };
}
