/** Prompts of a known length that differ in their first words, so that no round finds another's prefix in memory. */

import type { ChatMessage } from "@openai-compat/core";

const WORDS =
  "river stone cloud harbour lantern meadow copper violin winter orchard signal canvas thunder pepper marble garden".split(
    " ",
  );

/**
 * @param seed makes the prompt different from its first word on.
 * @param words about 1.3 tokens each.
 */
export function storyPrompt(seed: number, words: number): readonly ChatMessage[] {
  const text = Array.from({ length: words }, (_, index) => WORDS[(seed * 7 + index * 5 + (index >> 3)) % WORDS.length]);
  return [
    { role: "system", content: `You are storyteller number ${seed}.` },
    { role: "user", content: `Write a very long story that uses these words: ${text.join(" ")}` },
  ];
}
