/**
 * A GGUF embedding model in the process of its own. Inputs of all calls share the contexts, first come, first served, so a large
 * batch delays other calls but never blocks them.
 */

import { AiError, createWorkSlices } from "@openai-compat/core";
import type { EmbeddingInput, EmbeddingVector, PreparedInput, PreparedInputs } from "@openai-compat/core";
import type { NativeAnswer, NativeLog, NativeModel, NativeStream } from "../host/native-model.ts";
import type { EmbeddingModelSettings } from "./llama-embedding-settings.ts";
import { loadEmbeddingModel } from "./loaded-embedding-model.ts";
import type { LoadedEmbeddingModel } from "./loaded-embedding-model.ts";

export interface NativeEmbedding extends NativeModel {
  /** As the functions of `EmbeddingEngine`. */
  readonly answers: { readonly prepare: NativeAnswer<readonly EmbeddingInput[], PreparedInputs> };
  readonly streams: { readonly embed: NativeStream<readonly PreparedInput[], EmbeddingVector> };
}

/** @throws AiError `engine_unavailable` */
export async function openNativeEmbedding(settings: EmbeddingModelSettings, log: NativeLog): Promise<NativeEmbedding> {
  const loaded = await loadEmbeddingModel(settings, log);
  return {
    answers: {
      async prepare(inputs, signal) {
        const slices = createWorkSlices({ signal });
        const prepared: PreparedInput[] = [];
        for (const [index, input] of inputs.entries()) {
          if (slices.isOver) await slices.next();
          const tokens = typeof input === "string" ? await loaded.tokenise(input, slices) : loaded.adopt(input);
          if (tokens === null) throw noSuchToken(index);
          prepared.push({ tokens });
        }
        const { contextTokens, dimensions } = loaded;
        return { inputs: prepared, contextTokens, dimensions };
      },
    },
    streams: {
      embed: (inputs, signal) => embedAll(loaded, inputs, { signal, threads: settings.threads }),
    },
    dispose: () => loaded.dispose(),
  };
}

/** Reads as many inputs at once as there are contexts; yields each vector as soon as it is computed. */
async function* embedAll(
  loaded: LoadedEmbeddingModel,
  inputs: readonly PreparedInput[],
  { signal, threads }: { readonly signal: AbortSignal; readonly threads: number },
): AsyncGenerator<EmbeddingVector, void> {
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  const running = new Map<number, Promise<EmbeddingVector>>();
  const rest = inputs.entries();
  const startNext = (): void => {
    const { done, value } = rest.next();
    if (done === true) return;
    const [index, input] = value;
    running.set(index, embedOne(loaded, { index, input }, stop));
  };
  try {
    for (let count = 0; count < threads; count += 1) startNext();
    while (running.size > 0) {
      const event = await Promise.race(running.values());
      running.delete(event.index);
      startNext();
      yield event;
    }
  } finally {
    left.abort();
    await Promise.allSettled(running.values());
  }
}

async function embedOne(
  { contexts, isToken }: LoadedEmbeddingModel,
  { index, input }: { readonly index: number; readonly input: PreparedInput },
  signal: AbortSignal,
): Promise<EmbeddingVector> {
  const context = await contexts.acquire(signal);
  try {
    signal.throwIfAborted();
    const { vector } = await context.getEmbeddingFor(input.tokens.filter(isToken));
    return { index, vector: normalise(vector) };
  } catch (thrown) {
    signal.throwIfAborted();
    throw new AiError("engine_failed", "The model failed to read an input. Please try again.", { cause: thrown });
  } finally {
    contexts.release(context);
  }
}

/** @throws Error for a vector of length 0 or not finite: it has no direction. */
function normalise(vector: readonly number[]): Float32Array<ArrayBuffer> {
  const length = Math.hypot(...vector);
  if (!(length > 0 && Number.isFinite(length))) throw new Error(`The model's vector has the length ${length}.`);
  return Float32Array.from(vector, (value) => value / length);
}

function noSuchToken(index: number): AiError {
  return new AiError("invalid_value", `Input ${index} holds a token that the model doesn't have.`, { param: "input" });
}
