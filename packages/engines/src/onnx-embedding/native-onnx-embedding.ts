/**
 * A BERT sentence encoder in the process of its own. Texts of all calls are computed in batches, one batch at a time;
 * calls take turns, so that a call of thousands of texts delays another one by few batches.
 */

import { setImmediate } from "node:timers/promises";
import { AiError, createWorkSlices } from "@openai-compat/core";
import type { EmbeddingInput, EmbeddingVector, PreparedInput, PreparedInputs } from "@openai-compat/core";
import type { NativeAnswer, NativeModel, NativeStream } from "../host/native-model.ts";
import { openBertCheckpoint } from "./bert-checkpoint.ts";
import { loadBertModel } from "./bert-model.ts";
import type { BertModel } from "./bert-model.ts";
import type { OnnxEmbeddingModelSettings } from "./onnx-embedding-settings.ts";
import { createTextBatches } from "./text-batches.ts";
import { createWordPieces } from "./word-pieces.ts";

export interface NativeOnnxEmbedding extends NativeModel {
  /** As the functions of `EmbeddingEngine`. */
  readonly answers: { readonly prepare: NativeAnswer<readonly EmbeddingInput[], PreparedInputs> };
  readonly streams: { readonly embed: NativeStream<readonly PreparedInput[], EmbeddingVector> };
}

const PADDING_SHARE_MAX = 0.25;

/** @throws AiError `engine_unavailable` */
export async function openNativeOnnxEmbedding({
  modelPath,
  contextTokens,
  threads,
  batchTokens,
}: OnnxEmbeddingModelSettings): Promise<NativeOnnxEmbedding> {
  const checkpoint = await openBertCheckpoint(modelPath);
  const { width, positions, vocabularySize } = checkpoint.config;
  const words = createWordPieces(checkpoint.vocabulary);
  const model = await loadBertModel(checkpoint, { threads, padding: words.padding });
  const computer = createComputer(model, batchTokens);
  const isToken = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < vocabularySize;
  return {
    answers: {
      async prepare(inputs, signal) {
        const slices = createWorkSlices({ signal });
        const prepared: PreparedInput[] = [];
        for (const [index, input] of inputs.entries()) {
          if (slices.isOver) await slices.next();
          if (typeof input !== "string" && !input.every(isToken)) throw noSuchToken(index);
          const tokens = typeof input === "string" ? await words.tokenise(input, slices) : input;
          prepared.push({ tokens: words.mark(tokens) });
        }
        return { inputs: prepared, contextTokens: Math.min(contextTokens, positions), dimensions: width };
      },
    },
    streams: { embed: (inputs, signal) => computer.embed(inputs, signal) },
    dispose: () => model.dispose(),
  };
}

/** Of one call of `embed`. */
interface Call {
  /** Computed and not yielded yet. */
  readonly done: EmbeddingVector[];
  failure: { readonly reason: unknown } | null;
  /** Ends the wait for one of both. */
  wake: () => void;
}

interface Text {
  readonly call: Call;
  readonly index: number;
  readonly tokens: readonly number[];
}

function createComputer(model: BertModel, tokensMax: number) {
  const batches = createTextBatches<Text>({ tokensMax, paddingShareMax: PADDING_SHARE_MAX });
  let isRunning = false;

  async function run(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    await setImmediate();
    while (!batches.isEmpty) {
      await compute(batches.take());
      // A batch blocks the event loop: what has arrived meanwhile is read now, and may join the next one.
      await setImmediate();
    }
    isRunning = false;
  }

  async function compute(batch: readonly Text[]): Promise<void> {
    try {
      const vectors = await model.embed(batch.map(({ tokens }) => tokens));
      for (const [place, { call, index }] of batch.entries()) {
        const vector = vectors[place];
        if (vector === undefined) throw new Error("The model gives too few vectors.");
        call.done.push({ index, vector });
        call.wake();
      }
    } catch (thrown) {
      const message = "The model failed to read an input. Please try again.";
      const reason = new AiError("engine_failed", message, { cause: thrown });
      for (const { call } of batch) fail(call, reason);
    }
  }

  /** Yields each vector as soon as its batch is computed. */
  async function* embed(inputs: readonly PreparedInput[], signal: AbortSignal): AsyncGenerator<EmbeddingVector, void> {
    signal.throwIfAborted();
    const call: Call = { done: [], failure: null, wake: () => {} };
    const abort = (): void => fail(call, signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const texts = inputs.map(({ tokens }, index): Text => ({ call, index, tokens }));
    try {
      for (const text of texts) batches.add(call, text);
      void run();
      for (const _ of texts) yield await takeVector(call);
    } finally {
      signal.removeEventListener("abort", abort);
      for (const text of texts) batches.remove(call, text);
    }
  }

  return { embed };
}

function fail(call: Call, reason: unknown): void {
  call.failure ??= { reason };
  call.wake();
}

/** @throws the reason of the call's failure, also where vectors are left */
async function takeVector(call: Call): Promise<EmbeddingVector> {
  for (;;) {
    if (call.failure !== null) throw call.failure.reason;
    const vector = call.done.shift();
    if (vector !== undefined) return vector;
    await new Promise<void>((resolve) => (call.wake = resolve));
  }
}

function noSuchToken(index: number): AiError {
  return new AiError("invalid_value", `Input ${index} holds a token that the model doesn't have.`, { param: "input" });
}
