/**
 * The texts of compaction: how a model is asked to summarise a conversation, and how the summary is shown to the model that
 * goes on from it. It knows no call and no wire.
 */

import { AiError } from "@openai-compat/core";

/** Of English; the limit of tokens is never reached where a model obeys it. */
const WORDS_PER_TOKEN = 0.5;

/** The last message of a conversation that is to be summarised. @param tokensMax of the summary */
export function writeSummaryPrompt(tokensMax: number): string {
  return [
    "Write a summary of this conversation, from which it can go on. The messages of the user will be kept beside it; all answers, calls of tools and their results will be gone.",
    "Write down what the user wants, what was answered and decided, every fact, name, number and result that is still needed, and what is left to do.",
    `Do not answer the user and do not call a tool. Write the summary alone, in at most ${Math.floor(tokensMax * WORDS_PER_TOKEN)} words, in the language of the conversation.`,
  ].join("\n");
}

export function presentSummary(summary: string): string {
  return `Summary of the conversation up to here:\n${summary}`;
}

/** @param param of the item */
export function unreadableCompaction(param: string): AiError {
  const message = `The encrypted content of '${param}' could not be verified: send a compaction that this account got from this server, or the items that it stands for.`;
  return new AiError("invalid_value", message, { param: `${param}.encrypted_content` });
}
