/**
 * What is read of an upstream's chat completion and of its chunks. Less than what a conforming server sends: the engine
 * has put the rest into OpenAI's format, and servers differ in what they leave out or send as null.
 */

import { finishReasonSchema } from "@openai-compat/spec";
import { z } from "zod";

const text = z.string().nullish();
const count = z.int().min(0).catch(0).default(0);

const probability = { token: z.string(), logprob: z.number(), bytes: z.array(z.int()).nullish() };
const tokensSchema = z.array(
  z.looseObject({ ...probability, top_logprobs: z.array(z.looseObject(probability)).nullish() }),
);
export type AnswerToken = z.infer<typeof tokensSchema>[number];

const callSchema = z.looseObject({
  index: z.int().min(0).optional(),
  id: z.string().optional(),
  function: z.looseObject({ name: text, arguments: text }).nullish(),
  custom: z.looseObject({ name: text, input: text }).nullish(),
});
export type AnswerCall = z.infer<typeof callSchema>;

const messageSchema = z.looseObject({
  content: text,
  refusal: text,
  reasoning_content: z.unknown().optional(),
  reasoning: z.unknown().optional(),
  tool_calls: z.array(callSchema).nullish(),
});
export type AnswerMessage = z.infer<typeof messageSchema>;

const usageSchema = z.looseObject({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.looseObject({ cached_tokens: count }).nullish(),
  completion_tokens_details: z.looseObject({ reasoning_tokens: count }).nullish(),
});
export type AnswerUsage = z.infer<typeof usageSchema>;

const choice = {
  index: z.int().min(0),
  /** What an upstream means by other shapes is not known; the text is what was asked for. */
  logprobs: z.looseObject({ content: tokensSchema.nullish() }).nullish().catch(null),
};

export const chatAnswerSchema = z.looseObject({
  id: z.string(),
  choices: z.array(z.looseObject({ ...choice, message: messageSchema, finish_reason: finishReasonSchema })).min(1),
  usage: usageSchema.nullish(),
});
export type ChatAnswer = z.infer<typeof chatAnswerSchema>;

export const chatChunkSchema = z.looseObject({
  id: z.string(),
  choices: z.array(z.looseObject({ ...choice, delta: messageSchema, finish_reason: finishReasonSchema.nullish() })),
  usage: usageSchema.nullish(),
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;
