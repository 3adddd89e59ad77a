import { expect, test } from "vitest";
import { importOnnxRuntime } from "../onnx/onnx-runtime.ts";
import { TextCache } from "./text-cache.ts";
import type { WhisperConfig } from "./whisper-config.ts";

const HEADS = 2;
// The cache reads nothing else of it.
const CONFIG = { heads: HEADS, width: 4, decoderLayers: 1 } as unknown as WhisperConfig;

async function createTexts() {
  const cache = new TextCache(await importOnnxRuntime(), CONFIG);
  /** Each token is written to its row: as it is by the first head, and negative by the second. */
  const grow = (parents: readonly number[], tokens: readonly (readonly number[])[]): void => {
    const rows = Float32Array.from(tokens.flat().flatMap((token) => [token, token, -token, -token]));
    cache.append(parents, tokens[0]?.length ?? 0, () => rows);
  };
  /** What the graph gathers for the texts that continue these. */
  const gather = (parents: readonly number[]): readonly (readonly number[])[] => {
    const { past, k_0: keys } = cache.describePast(parents);
    const values = keys?.data as Float32Array;
    const found = Array.from(past?.data as Int32Array, (row) => values[row * 2] ?? Number.NaN);
    const { length } = cache;
    expect(past?.dims).toEqual([parents.length, HEADS, length]);
    return parents.map((_, text) => {
      const [first, second] = [0, 1].map((head) => found.slice((text * HEADS + head) * length).slice(0, length));
      expect(second).toEqual(first?.map((token) => -token));
      return first ?? [];
    });
  };
  return { cache, grow, gather };
}

test("a text keeps its tokens while others are dropped and doubled", async () => {
  const { cache, grow, gather } = await createTexts();
  expect(gather([0])).toEqual([[]]);
  grow([0], [[1, 2]]);
  grow([0, 0, 0], [[3], [4], [5]]);
  expect(gather([2, 0])).toEqual([
    [1, 2, 5],
    [1, 2, 3],
  ]);
  grow([2, 0, 2], [[6], [7], [8]]);
  expect(cache.length).toBe(4);
  expect(gather([0, 1, 2])).toEqual([
    [1, 2, 5, 6],
    [1, 2, 3, 7],
    [1, 2, 5, 8],
  ]);
});

test("a cache that becomes too small keeps what it holds", async () => {
  const { grow, gather } = await createTexts();
  const said = Array.from({ length: 150 }, (_, index) => index + 1);
  grow([0], [said]);
  for (const token of [151, 152, 153]) {
    grow(
      Array.from({ length: 40 }, () => 0),
      Array.from({ length: 40 }, (_, text) => [text === 0 ? token : 1000 + text]),
    );
  }
  expect(gather([0])).toEqual([[...said, 151, 152, 153]]);
});
