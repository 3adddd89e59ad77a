/** Plain completions of the reference server: what it demands of a request, and the model behind it. */

import { makeRefusal, type Refusal } from "../refusal.ts";
import { CHAT_RULES, checkNumber, checkStops, checkStreamOptions, PROMPT_TOKENS_MAX, type Rule } from "./chat-rules.ts";
import { wantsUsage } from "./create-chat-completion.ts";
import { decodeJson } from "./decode-body.ts";
import type { Fields, ReferenceOperation } from "./operation.ts";
import {
  answerText,
  encodeTextChunks,
  encodeTextCompletion,
  estimateText,
  listPrompts,
  readNumber,
  type TextAnswer,
} from "./text-answer.ts";

export const createCompletion: ReferenceOperation<TextAnswer> = {
  isBilled: true,
  decode: decodeJson,
  validate: validateText,
  serves: () => true,
  estimate: estimateText,
  answer: answerText,
  encode: encodeTextCompletion,
  encodeStream: (answer) => encodeTextChunks(answer, wantsUsage(answer.request)),
};

function validateText(body: Fields): Refusal | null {
  const { model, prompt } = body;
  if (model === undefined) return makeRefusal("missing_parameter", { param: "model" });
  // Null stands for a new document.
  if (prompt === undefined) return makeRefusal("missing_parameter", { param: "prompt" });
  if (prompt !== null && typeof prompt !== "string" && !Array.isArray(prompt))
    return makeRefusal("invalid_type", { param: "prompt" });
  const wrong = RULES.map((rule) => rule(body)).find((refusal) => refusal !== null);
  if (wrong !== undefined) return wrong;
  if (!isWithin(body["best_of"], readNumber(body["n"]) ?? 1, body["stream"] === true ? 1 : 20)) {
    return makeRefusal("invalid_value", { param: "best_of" });
  }
  if (typeof body["suffix"] === "string") return makeRefusal("invalid_value", { param: "suffix" });
  if (listPrompts(prompt).some((words) => words.length > PROMPT_TOKENS_MAX)) {
    return makeRefusal("context_length_exceeded", { param: "prompt" });
  }
  return null;
}

/** The same as in chat, each for itself. */
const RULES: readonly Rule[] = [
  (body) => checkNumber(body, "temperature", { min: 0, max: 2 }),
  (body) => checkNumber(body, "logprobs", { min: 0, max: 5 }),
  (body) => checkNumber(body, "n", { min: 1, max: 128 }),
  (body) => checkNumber(body, "max_tokens", { min: 0, max: 2 ** 31 }),
  CHAT_RULES.nucleusRange,
  CHAT_RULES.presencePenaltyRange,
  CHAT_RULES.frequencyPenaltyRange,
  CHAT_RULES.biasRange,
  checkStops,
  checkStreamOptions,
];

function isWithin(value: unknown, min: number, max: number): boolean {
  return value === undefined || value === null || (typeof value === "number" && value >= min && value <= max);
}
