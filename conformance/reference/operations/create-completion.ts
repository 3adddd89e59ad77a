/** Plain completions of the reference server: what it demands of a request, and the model behind it. */

import { makeRefusal, type Refusal } from "../refusal.ts";
import { PROMPT_TOKENS_MAX } from "./chat-rules.ts";
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
  if (prompt === undefined || prompt === null) return makeRefusal("missing_parameter", { param: "prompt" });
  if (typeof prompt !== "string" && !Array.isArray(prompt)) return makeRefusal("invalid_type", { param: "prompt" });
  if (!isWithin(body["temperature"], 0, 2)) return makeRefusal("invalid_value", { param: "temperature" });
  if (!isWithin(body["logprobs"], 0, 5)) return makeRefusal("invalid_value", { param: "logprobs" });
  if (!isWithin(body["best_of"], readNumber(body["n"]) ?? 1, body["stream"] === true ? 1 : 20)) {
    return makeRefusal("invalid_value", { param: "best_of" });
  }
  if (typeof body["suffix"] === "string") return makeRefusal("invalid_value", { param: "suffix" });
  if (listPrompts(prompt).some((words) => words.length > PROMPT_TOKENS_MAX)) {
    return makeRefusal("context_length_exceeded", { param: "prompt" });
  }
  return null;
}

function isWithin(value: unknown, min: number, max: number): boolean {
  return value === undefined || value === null || (typeof value === "number" && value >= min && value <= max);
}
