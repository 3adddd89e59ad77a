/**
 * The body of `POST /completions`: a text to go on with, without roles. Rules between fields (`best_of` is not below
 * `n`) and what a given model cannot do are the server's business.
 */
import { z } from "zod";
import { streamOptionsSchema } from "../chat/request-options.ts";
import { modelIdSchema } from "../models/model.ts";
import { openObject } from "../shared/open-object.ts";
import { logitBiasSchema, penaltySchema, seedSchema, stopSchema } from "../shared/sampling.ts";
import { tokenIdsSchema } from "../shared/token-ids.ts";

/** One prompt or several, as text or as token ids; `null` for a new document. Each prompt gets `n` choices. */
export const completionPromptSchema = z
  .union([z.string(), z.array(z.string()).min(1), tokenIdsSchema, z.array(tokenIdsSchema).min(1)])
  .nullable();
export type CompletionPrompt = z.infer<typeof completionPromptSchema>;

/**
 * A completion request. As in a chat request, `null` means "left out" for every optional field, unknown keys are kept
 * and `model` is any string. `max_tokens` may be 0: with `echo` and `logprobs` that scores the prompt.
 *
 * Upstream: `CreateCompletionRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createCompletionRequestSchema = openObject({
  model: modelIdSchema,
  prompt: completionPromptSchema,
  best_of: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish().describe("Let the text begin with the prompt."),
  frequency_penalty: penaltySchema.nullish(),
  logit_bias: logitBiasSchema.nullish(),
  logprobs: z.int().min(0).max(5).nullish(),
  max_tokens: z.int().min(0).nullish(),
  n: z.int().min(1).max(128).nullish(),
  presence_penalty: penaltySchema.nullish(),
  seed: seedSchema,
  stop: stopSchema.nullish(),
  stream: z.boolean().nullish(),
  stream_options: streamOptionsSchema.nullish(),
  suffix: z.string().nullish().describe("What comes after the text that is to be written."),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().nullish(),
}).meta({ id: "CreateCompletionRequest" });
export type CreateCompletionRequest = z.infer<typeof createCompletionRequestSchema>;
