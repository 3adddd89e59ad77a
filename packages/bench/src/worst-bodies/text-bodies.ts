/** Completions and embeddings: long texts, many of them, and great numbers of token ids. */

import { BYTES, VALUES, completionBody, embeddingBody, fill } from "./worst-body.ts";
import type { WorstBody } from "./worst-body.ts";

/** As many inputs as an embedding request may have. */
const INPUTS = 2048;
/** The longest text that a context of 512 tokens may hold by the count of its characters. */
const LONGEST_INPUT = 512 * 32;
const SCORED = fill(1000, (index) => 1000 + ((index * 7919) % 40_000));

export const TEXT_BODIES: readonly WorstBody[] = [
  completionBody("a prompt of 33 MB", () => ({ prompt: "a ".repeat(BYTES / 2) })),
  completionBody("the longest prompt that may fit", () => ({ prompt: "a ".repeat(8192 * 16 - 100) })),
  completionBody("a suffix of 33 MB", () => ({ prompt: "a", suffix: "a".repeat(BYTES) })),
  completionBody("1,000 prompts", () => ({ prompt: fill(1000, (index) => `Prompt ${index}`) })),
  completionBody("1,000 prompts of 30 kB", () => ({ prompt: fill(1000, () => "a ".repeat(15_000)) })),
  completionBody("1,000 prompts of 30 kB, scripted engine", () => ({
    model: "scripted",
    prompt: fill(1000, () => "a ".repeat(15_000)),
  })),
  completionBody("99,000 empty prompts", () => ({ prompt: fill(VALUES, () => "") })),
  completionBody("99,000 token ids", () => ({ prompt: fill(VALUES, () => 300) })),
  completionBody("99,000 token ids and a text", () => ({ prompt: [...fill(VALUES, () => 300), "a"] })),
  completionBody("99,000 ids with a fraction", () => ({ prompt: fill(VALUES, () => 1.5) })),
  completionBody("1,000 prompts of 98 token ids", () => ({ prompt: fill(1000, () => fill(98, () => 300)) })),
  completionBody("1,000 prompts of 97 wrong ids", () => ({ prompt: fill(1000, () => fill(97, () => -1)) })),
  completionBody("49,000 prompts of a token", () => ({ prompt: fill(VALUES / 2, () => [300]) })),
  completionBody("a score of 1,000 tokens", () => ({ prompt: SCORED, echo: true, logprobs: 5, max_tokens: 0 })),
  completionBody("128 echoes of 1,900 tokens, scripted engine", () => ({
    model: "scripted",
    prompt: fill(1900, () => 300),
    echo: true,
    logprobs: 5,
    max_tokens: 1,
    n: 128,
  })),
  embeddingBody("2,048 inputs", () => ({ input: fill(INPUTS, (index) => `Text number ${index} of many.`) })),
  embeddingBody("2,048 inputs of 16 kB", () => ({ input: fill(INPUTS, () => "a ".repeat(LONGEST_INPUT / 2 - 50)) })),
  embeddingBody("2,048 inputs of 16 kB in one word", () => ({
    input: fill(INPUTS, () => "a".repeat(LONGEST_INPUT - 99)),
  })),
  embeddingBody("an input of 33 MB", () => ({ input: "a ".repeat(BYTES / 2) })),
  embeddingBody("99,000 ids in 2,000 inputs", () => ({ input: fill(2000, () => fill(48, () => 2000)) })),
  embeddingBody("300,000 ids in 2,000 inputs", () => ({ input: fill(2000, () => fill(150, () => 2000)) })),
  embeddingBody("99,000 wrong ids in 2,000 inputs", () => ({ input: fill(2000, () => fill(48, () => "a")) })),
  embeddingBody("99,000 inputs", () => ({ input: fill(VALUES, () => "a") })),
  embeddingBody("2,048 vectors as numbers, scripted engine", () => ({
    model: "scripted-embedding",
    input: fill(INPUTS, (index) => `a ${index}`),
    encoding_format: "float",
  })),
  embeddingBody("2,048 inputs of 16 kB, scripted engine", () => ({
    model: "scripted-embedding",
    input: fill(INPUTS, () => "a ".repeat(LONGEST_INPUT / 2 - 50)),
  })),
];
