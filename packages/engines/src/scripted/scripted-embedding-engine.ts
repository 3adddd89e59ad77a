/**
 * An embedding engine without weights: the vector of a text is the sum of a fixed direction for each of its words, so
 * texts that share words are near each other, and the same text has the same vector everywhere. Meaning has no effect.
 */

import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { AiError, createWorkSlices } from "@openai-compat/core";
import type { EmbeddingEngine, EmbeddingInput, EmbeddingVector, PreparedInput } from "@openai-compat/core";
import { createRunningCalls } from "./running-calls.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { TOKENS_END, decodeToken, encodeTextInSlices } from "./scripted-tokens.ts";

export interface ScriptedEmbeddingSettings {
  /** The longest input. Default 512. */
  readonly contextTokens?: number;
  /** Of each vector, 1 to 1,024. Default 64. */
  readonly dimensions?: number;
  /** Concurrent calls; further ones are queued. Default 4. */
  readonly concurrency?: number;
  /** Pause before each vector. Default 0. */
  readonly vectorDelayMs?: number;
  /** Whether shorter vectors can be requested. Default true. */
  readonly isTruncatable?: boolean;
}

export function createScriptedEmbeddingEngine(settings: ScriptedEmbeddingSettings = {}): EmbeddingEngine {
  const { contextTokens = 512, dimensions = 64, concurrency = 4, isTruncatable = true, vectorDelayMs = 0 } = settings;
  const slots = createSlotPool(Array.from({ length: concurrency }, () => ({})));
  const running = createRunningCalls();

  async function* embed(inputs: readonly PreparedInput[], signal: AbortSignal): AsyncGenerator<EmbeddingVector, void> {
    const end = running.begin();
    try {
      const slot = await slots.acquire(signal);
      try {
        const slices = createWorkSlices({ signal });
        for (const [index, { tokens }] of inputs.entries()) {
          if (index === 0 || slices.isOver) await slices.next();
          if (vectorDelayMs > 0) await delay(vectorDelayMs, undefined, { signal });
          signal.throwIfAborted();
          yield { index, vector: embedTokens(tokens, dimensions) };
        }
      } finally {
        slots.release(slot);
      }
    } finally {
      end();
    }
  }

  return {
    type: "embedding",
    limits: { contextTokens, concurrency },
    isTruncatable,
    async prepare(inputs, signal) {
      signal.throwIfAborted();
      const prepared: PreparedInput[] = [];
      const slices = createWorkSlices({ signal });
      for (const [index, input] of inputs.entries()) {
        if (slices.isOver) await slices.next();
        const isText = typeof input === "string";
        prepared.push({ tokens: isText ? await encodeTextInSlices(input, slices) : checkTokens(input, index) });
      }
      return { inputs: prepared, contextTokens, dimensions };
    },
    embed,
    close: () => running.ended(),
  };
}

function checkTokens(input: Exclude<EmbeddingInput, string>, index: number): readonly number[] {
  const strange = input.find((token) => token >= TOKENS_END);
  if (strange === undefined) return input;
  throw new AiError("invalid_value", `The model has no token ${strange} (input ${index}).`, { param: "input" });
}

/** Half a step off the integers, so that no single word is the zero vector. */
function embedTokens(tokens: readonly number[], dimensions: number): Float32Array<ArrayBuffer> {
  const sum = new Float32Array(dimensions);
  for (const token of tokens) {
    for (const [index, value] of directionOf(token, dimensions).entries()) sum[index] = (sum[index] ?? 0) + value + 0.5;
  }
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}

/** The same for a word at any position and in either case: -128 to 127 in each dimension. */
function directionOf(token: number, dimensions: number): Int8Array {
  const word = decodeToken(token).trim().toLowerCase();
  // SHAKE functions output any number of bytes.
  return new Int8Array(
    createHash("shake256", { outputLength: dimensions })
      .update(word || String(token))
      .digest(),
  );
}
