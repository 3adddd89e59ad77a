/**
 * Composes the text of the scripted engine: facts about the conversation, so that it can be checked and different
 * prompts give different texts.
 */

import type { Sampling } from "@openai-compat/core";
import { decodeConversation, decodeToken } from "./scripted-tokens.ts";

const OPENINGS = ["Hello", "Good day", "Hi there", "Greetings"] as const;
const CONNECTIONS = ["and", "so", "then", "well,"] as const;
const CLOSINGS = ["That is all.", "I have nothing to add.", "There is no more.", "So much for that."] as const;

/**
 * At least forty tokens, with an emoji of several code points near the beginning. The seed picks among the openings and
 * closings when the temperature is above 0, and `topP` limits their number.
 */
export function composeReply(promptTokens: readonly number[], sampling: Sampling): string {
  const messages = decodeConversation(promptTokens).slice(0, -1);
  const question = messages.findLast((message) => message.role === "user")?.text ?? "";
  const instructions = messages.find((message) => message.role === "system")?.text;
  const choose = createChooser(sampling);
  return [
    `${choose(OPENINGS)} 👋🏽, you wrote: “${question}”.`,
    `That is ${countWords(question)} words in a conversation of ${messages.length} messages`,
    `and a prompt of ${promptTokens.length} tokens.`,
    instructions === undefined ? "I have no instructions." : `My instructions are: “${instructions}”.`,
    "I am a scripted engine: I hold no model and repeat what I am told, word by word, in a fixed order.",
    choose(CLOSINGS),
  ].join(" ");
}

/** Continues a text, with facts about it. */
export function composeContinuation(promptTokens: readonly number[], sampling: Sampling): string {
  const text = promptTokens.map(decodeToken).join("");
  const choose = createChooser(sampling);
  return [
    ` … ${choose(CONNECTIONS)} 👋🏽 that was a text of ${countWords(text)} words and ${promptTokens.length} tokens,`,
    `the last of which is “${text.match(/\S+/gu)?.at(-1) ?? ""}”.`,
    "A scripted engine goes on with it: it holds no model, and so it says what it can count, word by word, in a fixed order.",
    choose(CLOSINGS),
  ].join(" ");
}

/** Chooses one option after the other: the first at temperature 0, else by the seed among those within `topP`. */
function createChooser({ temperature, topP, seed }: Sampling): (choices: readonly string[]) => string {
  let rest = temperature === 0 ? 0 : seed;
  return (choices) => {
    const kept = Math.max(1, Math.ceil(topP * choices.length));
    const chosen = choices[rest % kept] ?? "";
    rest = Math.floor(rest / kept);
    return chosen;
  };
}

function countWords(text: string): number {
  return text.match(/\S+/gu)?.length ?? 0;
}
