/** Prompts of a known length that differ in their first words, so that no round finds another's prefix in memory. */

import type { ChatMessage } from "@openai-compat/core";

const WORDS =
  "river stone cloud harbour lantern meadow copper violin winter orchard signal canvas thunder pepper marble garden".split(
    " ",
  );

/** @param count of words, about one token each. */
function someWords(seed: number, count: number): string {
  return Array.from({ length: count }, (_, index) => WORDS[(seed * 7 + index * 5 + (index >> 3)) % WORDS.length]).join(
    " ",
  );
}

/**
 * @param seed makes the prompt different from its first word on.
 * @param words about one token each.
 */
export function storyPrompt(seed: number, words: number): readonly ChatMessage[] {
  return [
    { role: "system", content: `You are storyteller number ${seed}.` },
    { role: "user", content: `Write a very long story that uses these words: ${someWords(seed, words)}` },
  ];
}

/** The same length as `storyPrompt`, most of it in the system prompt. */
export function systemPrompt(seed: number, words: number): ChatMessage {
  return {
    role: "system",
    content: `You are storyteller number ${seed}. You use these words: ${someWords(seed, words)}`,
  };
}

/** A prompt that a small model answers at length in any output format. @param seed makes it another one. */
export function listPrompt(seed: number): readonly ChatMessage[] {
  const list = `the list of all numbers from ${seed} to 500`;
  return [{ role: "user", content: `Answer with a JSON object that has one key "numbers": ${list}.` }];
}
