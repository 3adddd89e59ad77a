/**
 * The suite that every embedding engine passes, whatever runs behind it. It knows the interface only; what is special
 * to one engine is tested beside that engine.
 */

import { afterAll, beforeAll, expect, test } from "vitest";
import { AiError } from "../ai-error.ts";
import { createClonedEmbeddingEngine } from "../testing/cloned-engine.ts";
import type { EmbeddingEngine, EmbeddingInput, EmbeddingVector, PreparedInput } from "./embedding-engine.ts";

export interface EmbeddingEngineContractOptions {
  /** A fresh engine with room for 64 tokens at least; the suite closes it. */
  readonly createEngine: () => EmbeddingEngine;
}

const never = new AbortController().signal;
const TEXTS = ["The sea is wide.", "Rain falls on the roof.", "¿Qué tal? 你好 😀", "x"];

/** The vectors in the order of the inputs; checks on the way what holds for all. */
export async function embedAll(
  engine: EmbeddingEngine,
  inputs: readonly EmbeddingInput[],
): Promise<readonly Float32Array<ArrayBuffer>[]> {
  const prepared = await engine.prepare(inputs, never);
  const found: EmbeddingVector[] = [];
  for await (const event of engine.embed(prepared.inputs, never)) {
    expect(structuredClone(event)).toEqual(event);
    expect(event.vector).toHaveLength(prepared.dimensions);
    expect(Math.hypot(...event.vector)).toBeCloseTo(1, 4);
    found.push(event);
  }
  expect(found.map(({ index }) => index).sort((a, b) => a - b)).toEqual(inputs.map((_, index) => index));
  return found.sort((a, b) => a.index - b.index).map(({ vector }) => vector);
}

/** Of two vectors of length 1. */
export function cosine(first: Float32Array | undefined, second: Float32Array | undefined): number {
  if (first === undefined || second === undefined) return Number.NaN;
  return first.reduce((sum, value, index) => sum + value * (second[index] ?? Number.NaN), 0);
}

/** Registers the suite, for the engine as it is and behind structured clones. */
export function embeddingEngineContract(name: string, { createEngine }: EmbeddingEngineContractOptions): void {
  registerSuite(name, createEngine);
  registerSuite(`${name} behind clones`, () => createClonedEmbeddingEngine(createEngine()));
}

function registerSuite(name: string, createEngine: EmbeddingEngineContractOptions["createEngine"]): void {
  let engine: EmbeddingEngine;
  beforeAll(() => void (engine = createEngine()));
  afterAll(() => engine.close());
  testVectors(name, () => engine);
  testCalls(name, () => engine);

  test(`${name}: close lets a running call end, and later calls load again`, async () => {
    const closing = createEngine();
    const running = embedAll(closing, TEXTS);
    const [vectors] = await Promise.all([running, closing.close()]);
    expect(vectors).toHaveLength(TEXTS.length);
    expect(await embedAll(closing, ["again"])).toHaveLength(1);
    await closing.close();
  });
}

function testVectors(name: string, engineOf: () => EmbeddingEngine): void {
  test(`${name}: each input gets a vector of length 1 in its place`, async () => {
    const together = await embedAll(engineOf(), TEXTS);
    for (const [index, text] of TEXTS.entries()) {
      expect(cosine(together[index], (await embedAll(engineOf(), [text]))[0])).toBeGreaterThan(0.9999);
    }
  });

  test(`${name}: different texts get different vectors, the same text the same one`, async () => {
    const [sea, rain, again] = await embedAll(engineOf(), ["The sea is wide.", "Rain.", "The sea is wide."]);
    expect(again).toEqual(sea);
    expect(cosine(sea, rain)).toBeLessThan(0.999);
  });

  test(`${name}: a text as its tokens means the same, and both survive a structured clone`, async () => {
    const { inputs } = await engineOf().prepare(TEXTS, never);
    expect(structuredClone(inputs)).toEqual(inputs);
    const read = async (prepared: readonly PreparedInput[]) => {
      const vectors = [];
      for await (const { index, vector } of engineOf().embed(prepared, never)) vectors[index] = vector;
      return vectors;
    };
    const asTokens = await engineOf().prepare(
      inputs.map(({ tokens }) => tokens),
      never,
    );
    const [texts, tokens] = [await read(inputs), await read(asTokens.inputs)];
    for (const [index, vector] of texts.entries()) expect(cosine(vector, tokens[index])).toBeGreaterThan(0.9999);
  });

  test(`${name}: a longer text has more tokens`, async () => {
    const { inputs } = await engineOf().prepare(["sea", "sea sea sea sea"], never);
    expect(inputs[1]?.tokens.length).toBeGreaterThan(inputs[0]?.tokens.length ?? Number.NaN);
  });

  test(`${name}: a token that the model doesn't have is refused`, async () => {
    const strange = engineOf().prepare([[Number.MAX_SAFE_INTEGER]], never);
    await expect(strange).rejects.toMatchObject({ code: "invalid_value", param: "input" });
  });
}

function testCalls(name: string, engineOf: () => EmbeddingEngine): void {
  test(`${name}: an aborted signal starts nothing, and one that aborts on the way ends the call with its reason`, async () => {
    const gone = new AiError("cancelled", "gone");
    await expect(engineOf().prepare(TEXTS, AbortSignal.abort(gone))).rejects.toBe(gone);
    const { inputs } = await engineOf().prepare(
      Array.from({ length: 40 }, (_, index) => `Text ${index}`),
      never,
    );
    const controller = new AbortController();
    let seen = 0;
    const drain = async () => {
      for await (const _ of engineOf().embed(inputs, controller.signal)) {
        seen += 1;
        controller.abort(gone);
      }
    };
    await expect(drain()).rejects.toBe(gone);
    expect(seen).toBeLessThan(inputs.length);
    expect(await embedAll(engineOf(), TEXTS)).toHaveLength(TEXTS.length);
  });

  test(`${name}: more calls than slots all end, and one that ends early frees its slot`, async () => {
    const { inputs } = await engineOf().prepare(TEXTS, never);
    for (let round = 0; round <= engineOf().limits.concurrency; round += 1) {
      for await (const _ of engineOf().embed(inputs, never)) break;
    }
    const calls = Array.from({ length: engineOf().limits.concurrency * 3 }, () => embedAll(engineOf(), TEXTS));
    expect(await Promise.all(calls)).toHaveLength(calls.length);
  });
}
