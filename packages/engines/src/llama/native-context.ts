/**
 * The part of the native library that its public interface hides and that sampling here depends on. The release is
 * pinned; another one fails loudly.
 */

import type { LlamaContext, Token, TokenBias } from "node-llama-cpp";

/** Called with the number of a row of the last batch, the sampler, and what to return next to the token. */
// oxlint-disable-next-line max-params -- node-llama-cpp calls it so
export type SampleToken = (
  row: number,
  sampler: NativeSampler,
  probabilities?: boolean,
  confidence?: boolean,
) => Promise<unknown>;

export interface NativeSampler {
  applyConfig(config: NativeSamplerConfig): unknown;
  dispose(): void;
}

export interface NativeSamplerConfig {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  /** Added to the logits of some tokens: their ids, and as many values. */
  readonly tokenBiasKeys?: Uint32Array;
  readonly tokenBiasValues?: Float32Array;
}

export interface NativeContext {
  sampleToken: SampleToken;
  /** Evaluates what was added to the batch. */
  decodeBatch: () => Promise<unknown>;
}

export type NativeSample = readonly [
  token: Token,
  probabilities: readonly number[] | undefined,
  confidence: number | undefined,
];

/** @throws Error when the context is not built as the pinned release builds it. */
export function findNativeContext(context: LlamaContext): NativeContext {
  const native: unknown = readField(context, "_ctx");
  if (!isNativeContext(native)) throw notPinned("context");
  return native;
}

/** @throws Error as `findNativeContext` */
export function createNativeSampler({ model }: LlamaContext): NativeSampler {
  const create: unknown = readField(readField(readField(model, "_llama"), "_bindings"), "AddonSampler");
  if (typeof create !== "function") throw notPinned("sampler");
  const sampler: unknown = Reflect.construct(create, [readField(model, "_model")]);
  if (!isNativeSampler(sampler)) throw notPinned("sampler");
  return sampler;
}

/**
 * As `set`, also for a token that ends a text: the library's own method leaves those out.
 *
 * @throws Error as `findNativeContext`
 */
export function biasAnyToken(tokenBias: TokenBias, token: Token, logit: number): TokenBias {
  const biases: unknown = readField(tokenBias, "_biases");
  if (!(biases instanceof Map)) throw notPinned("token bias");
  biases.set(token, logit);
  return tokenBias;
}

/** @throws Error for anything but a sampled token with further values. */
export function assertNativeSample(value: unknown): asserts value is NativeSample {
  if (!Array.isArray(value) || typeof value[0] !== "number") throw notPinned("sample");
}

function readField(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isNativeContext(value: unknown): value is NativeContext {
  return ["sampleToken", "decodeBatch"].every((name) => typeof readField(value, name) === "function");
}

function isNativeSampler(value: unknown): value is NativeSampler {
  return typeof readField(value, "applyConfig") === "function" && typeof readField(value, "dispose") === "function";
}

function notPinned(part: string): Error {
  return new Error(`This release of node-llama-cpp is not the pinned one: its native ${part} can't be found.`);
}
