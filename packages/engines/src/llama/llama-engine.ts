/**
 * The chat engine for GGUF models, on the raw sequences of node-llama-cpp. Nothing native is imported, and no file is
 * opened, before the first call that needs the model.
 */

import { AiError, createWorkSlices } from "@openai-compat/core";
import type { ChatEngine, GenerationEvent, GenerationRequest } from "@openai-compat/core";
import type { Token } from "node-llama-cpp";
import { compileOutput } from "../grammar/output-schemas.ts";
import { assertFitsContext } from "../shared/context-limit.ts";
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

/**
 * One engine per model file. `limits.contextTokens` is the configured size until the model is loaded, then at most what
 * the model was trained for; `prepare` loads it, so a prompt in hand means that the limit is final.
 *
 * `completionTokens` counts every sampled token, the one that ends the turn included.
 */
export function createLlamaEngine(settings: LlamaEngineSettings): ChatEngine {
  const resolved = resolveLlamaSettings(settings);
  let { contextTokens } = resolved;
  const resource = createModelResource<LoadedModel>({
    settings: resolved.loading,
    estimateBytes: () => estimateChatBytes(resolved),
    async load() {
      const loaded = await loadModel(resolved);
      contextTokens = loaded.contextTokens;
      return loaded;
    },
    unload: async (loaded) => loaded.dispose(),
  });
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
    const { value: loaded, release } = await resource.acquire(signal);
    try {
      // The choices of a call have one prompt.
      yield* generateOn(loaded, resolved, { request, turn: { signal, call: request.prompt } });
    } finally {
      release();
    }
  }

  return {
    type: "chat",
    recommendedSampling: resolved.recommendedSampling,
    limits: {
      get contextTokens() {
        return contextTokens;
      },
      concurrency: resolved.concurrency,
    },
    prepare: (messages, output, signal) =>
      withModel(signal, async (loaded) => ({
        tokens: await tokenizePrompt({ messages, output }, loaded, createWorkSlices({ signal })),
      })),
    prepareText: (text, signal) =>
      withModel(signal, (loaded) => tokenizeText(text, loaded.texts, createWorkSlices({ signal }))),
    async check({ sampling, output }, signal) {
      const { relaxed } = await compileOutput(output);
      return withModel(signal, async (loaded) => {
        mapSampling(sampling, { sampledTokens: [], tokensMax: 1 }, samplingContext(loaded, resolved));
        return relaxed;
      });
    },
    generate,
    async hold(signal) {
      const { value: loaded, release } = await resource.acquire(signal);
      const call = {};
      return {
        generate: (request, stop) => generateOn(loaded, resolved, { request, turn: { signal: stop, call } }),
        release,
      };
    },
    close: async () => resource.close(),
  };
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
