import fc from "fast-check";
import { expect, test } from "vitest";
import { createChunkSizes } from "./chunk-sizes.ts";

interface Reading {
  readonly total: number;
  readonly tokenMs: number;
  readonly budgetMs: number;
}

/** Reads a prompt beside streams where each token takes as long as the last ones. @returns the sizes of its chunks */
function readPrompt({ total, tokenMs, budgetMs }: Reading): number[] {
  const sizes = createChunkSizes(1024);
  const chunks: number[] = [];
  for (let left = total; left > 0; left -= chunks.at(-1) ?? 0) {
    const tokens = sizes.count("streams", budgetMs, left);
    sizes.note(tokens, tokens * tokenMs);
    chunks.push(tokens);
  }
  return chunks;
}

test("once one chunk was measured, none takes much longer than its budget or has more tokens than there is room for", () => {
  const prompt = fc.record({
    total: fc.integer({ min: 1, max: 5000 }),
    tokenMs: fc.double({ min: 0.01, max: 20, noNaN: true }),
    budgetMs: fc.integer({ min: 1, max: 1000 }),
  });
  fc.assert(
    fc.property(prompt, ({ total, tokenMs, budgetMs }) => {
      const chunks = readPrompt({ total, tokenMs, budgetMs });
      expect(chunks.reduce((sum, tokens) => sum + tokens, 0)).toBe(total);
      expect(Math.min(...chunks)).toBeGreaterThan(0);
      expect(chunks[0]).toBeLessThanOrEqual(64);
      for (const tokens of chunks.slice(1)) {
        const fitting = budgetMs / tokenMs;
        expect(tokens).toBeLessThanOrEqual(
          fitting < 48 ? Math.max(16, fitting) : Math.min(1024, Math.max(64, fitting)),
        );
      }
    }),
  );
});

test("a prompt is read in equal parts, and a faster machine reads more at once", () => {
  expect(readPrompt({ total: 300, tokenMs: 2, budgetMs: 250 })).toEqual([64, 118, 118]);
  expect(readPrompt({ total: 300, tokenMs: 0.5, budgetMs: 250 })).toEqual([64, 236]);
});

test("a prompt is cut into 64 tokens where so many fit, not into smaller parts of equal length, once one was measured", () => {
  for (const budgetMs of [100, 125, 130]) {
    expect(readPrompt({ total: 252, tokenMs: 2, budgetMs })).toEqual([64, 60, 64, 64]);
    expect(readPrompt({ total: 272, tokenMs: 2, budgetMs })).toEqual([64, 16, 64, 64, 64]);
  }
  expect(Math.max(...readPrompt({ total: 272, tokenMs: 2, budgetMs: 80 }).slice(1))).toBeLessThanOrEqual(40);
});

test("what is left over of chunks of 64 is read first, together with a chunk where it is small and no stream waits", () => {
  const sizes = createChunkSizes(1024);
  sizes.note(64, 130);
  expect([63, 64, 65, 80, 81, 188, 192, 206].map((left) => sizes.count("prompts", 130, left))).toEqual([
    63, 64, 65, 80, 17, 60, 64, 78,
  ]);
  expect([63, 64, 65, 80, 81, 188, 192, 206].map((left) => sizes.count("streams", 130, left))).toEqual([
    63, 64, 1, 16, 17, 60, 64, 14,
  ]);
});

test("small chunks and large ones have measurements of their own, and one slow chunk among several changes nothing", () => {
  const sizes = createChunkSizes(1024);
  for (const tookMs of [200, 200, 5000, 200, 200]) sizes.note(100, tookMs);
  expect(sizes.count("none", 250, 1000)).toBe(125);
  // Not measured yet: a third more than a token of a large chunk.
  expect(sizes.count("streams", 78, 1000)).toBe(30);
  sizes.note(30, 150);
  expect(sizes.count("streams", 80, 1000)).toBe(16);
  // So many as nearly fill a large one are one.
  expect(sizes.count("streams", 100, 1024)).toBe(64);
  expect(sizes.count("none", 250, 1000)).toBe(125);
});

test("without streams no chunk but the first is cut below 64 tokens, however slow the machine is", () => {
  const sizes = createChunkSizes(1024);
  sizes.note(64, 64 * 20);
  expect([sizes.count("none", 250, 1024), sizes.count("prompts", 125, 1024)]).toEqual([64, 64]);
  expect(sizes.count("streams", 250, 1000)).toBe(16);
});

test("a chunk of few tokens says nothing of large ones", () => {
  const sizes = createChunkSizes(1024);
  sizes.note(2, 40);
  expect(sizes.count("none", 250, 1000)).toBe(64);
});
