/** The numbers that a server states where it refuses a prompt for its length. */

export interface StatedLength {
  /** Of prompt and answer together. */
  readonly contextTokens: number;
  readonly promptTokens: number;
  /** Asked for; null where it is not stated. */
  readonly answerTokens: number | null;
}

/** OpenAI and vLLM; vLLM since 0.11; SGLang; llama.cpp; Mistral. */
const CONTEXT = [
  /maximum context length (?:is|of) (\d+)/i,
  /context length is only (\d+)/i,
  /model's context length \((\d+)/i,
  /context size \((\d+)/i,
  /(\d+) maximum context length/i,
];
const PROMPT = [
  /(\d+) in the messages/i,
  /(\d+) tokens from the input/i,
  /has (\d+) input tokens/i,
  /passed (\d+) input tokens/i,
  /resulted in (?:more than )?(\d+) tokens/i,
  /(?:request|input) \((\d+) tokens\)/i,
  /contains (\d+) tokens/i,
  /you requested (\d+) tokens/i,
];
const ANSWER = [/(\d+) in the completion/i, /(\d+) tokens for the completion/i, /requested (\d+) output tokens/i];

/** @returns null for words that say too little */
export function readStatedLength(message: string): StatedLength | null {
  const contextTokens = findNumber(message, CONTEXT);
  const promptTokens = findNumber(message, PROMPT);
  if (contextTokens === null || promptTokens === null) return null;
  return { contextTokens, promptTokens, answerTokens: findNumber(message, ANSWER) };
}

function findNumber(message: string, patterns: readonly RegExp[]): number | null {
  for (const pattern of patterns) {
    const [, digits] = pattern.exec(message) ?? [];
    if (digits !== undefined) return Number(digits);
  }
  return null;
}
