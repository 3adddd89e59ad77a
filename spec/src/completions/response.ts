/** The non-streaming answer of `POST /completions`. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { completionUsageSchema } from "../shared/usage.ts";

/** Why the model stopped. A completion calls no tools. */
export const completionFinishReasonSchema = z.enum(["stop", "length", "content_filter"]);
export type CompletionFinishReason = z.infer<typeof completionFinishReasonSchema>;

/**
 * Log probabilities as four lists with one entry per token. With `echo` the first entry of `token_logprobs` and of
 * `top_logprobs` is `null`, because nothing precedes the first token of the prompt.
 */
export const completionLogprobsSchema = openObject({
  text_offset: z.array(z.int().min(0)).optional(),
  token_logprobs: z.array(z.number().nullable()).optional(),
  tokens: z.array(z.string()).optional(),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).optional(),
});
export type CompletionLogprobs = z.infer<typeof completionLogprobsSchema>;

/** One of the `n` texts of each prompt. `logprobs` is always present, `null` unless it was asked for. */
export const completionChoiceSchema = openObject({
  finish_reason: completionFinishReasonSchema,
  index: z.int().min(0),
  logprobs: completionLogprobsSchema.nullable(),
  text: z.string(),
});
export type CompletionChoice = z.infer<typeof completionChoiceSchema>;

/** A completion. `usage` is optional upstream; this project's server always sends it. */
export const createCompletionResponseSchema = openObject({
  id: z.string(),
  choices: z.array(completionChoiceSchema),
  created: unixTimeSchema,
  model: z.string(),
  system_fingerprint: z.string().optional(),
  object: z.literal("text_completion"),
  usage: completionUsageSchema.optional(),
}).meta({ id: "CreateCompletionResponse" });
export type CreateCompletionResponse = z.infer<typeof createCompletionResponseSchema>;
