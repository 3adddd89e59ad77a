/**
 * The body of `POST /chat/completions`, complete with what upstream deprecated. Rules between fields (`top_logprobs`
 * needs `logprobs`, `stream_options` needs `stream`) and what a given model cannot do are the server's business.
 */
import { z } from "zod";
import { modelIdSchema } from "../models/model.ts";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { reasoningEffortSchema } from "../shared/reasoning-effort.ts";
import { responseFormatSchema } from "../shared/response-format.ts";
import { logitBiasSchema, penaltySchema, seedSchema, stopSchema } from "../shared/sampling.ts";
import { serviceTierSchema } from "../shared/service-tier.ts";
import { promptCacheOptionsSchema } from "./prompt-cache.ts";
import { requestMessageSchema } from "./request-message.ts";
import {
  audioOptionsSchema,
  moderationOptionsSchema,
  predictionSchema,
  streamOptionsSchema,
  webSearchOptionsSchema,
} from "./request-options.ts";
import { functionCallChoiceSchema, toolChoiceSchema } from "./tool-choice.ts";
import { functionDefinitionSchema, toolSchema } from "./tool.ts";

/**
 * A chat request.
 *
 * - `null` means "left out" for every optional field, here and inside the nested objects: several SDKs serialise unset
 *   fields that way, beyond the fields that upstream documents as nullable.
 * - Unknown keys are accepted and kept; a server ignores what it does not know.
 * - `model` is any string.
 *
 * Upstream: `CreateChatCompletionRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createChatCompletionRequestSchema = openObject({
  metadata: metadataSchema.nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().nullish().meta({ deprecated: true }),
  safety_identifier: z.string().max(64).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullish().meta({ deprecated: true }),
  prompt_cache_options: promptCacheOptionsSchema.nullish(),
  messages: z.array(requestMessageSchema).min(1),
  model: modelIdSchema,
  service_tier: serviceTierSchema.nullish(),
  modalities: z.array(z.enum(["text", "audio"])).nullish(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
  reasoning_effort: reasoningEffortSchema.nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  frequency_penalty: penaltySchema.nullish(),
  presence_penalty: penaltySchema.nullish(),
  web_search_options: webSearchOptionsSchema.nullish(),
  response_format: responseFormatSchema.nullish(),
  audio: audioOptionsSchema.nullish(),
  store: z.boolean().nullish(),
  moderation: moderationOptionsSchema.nullish(),
  stream: z.boolean().nullish(),
  stop: stopSchema.nullish(),
  logit_bias: logitBiasSchema.nullish(),
  logprobs: z.boolean().nullish(),
  max_tokens: z.int().min(1).nullish().meta({ deprecated: true }),
  n: z.int().min(1).max(128).nullish(),
  prediction: predictionSchema.nullish(),
  seed: seedSchema.meta({ deprecated: true }),
  stream_options: streamOptionsSchema.nullish(),
  tools: z.array(toolSchema).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  function_call: functionCallChoiceSchema.nullish().meta({ deprecated: true }),
  functions: z.array(functionDefinitionSchema).min(1).max(128).nullish().meta({ deprecated: true }),
}).meta({ id: "CreateChatCompletionRequest" });
export type CreateChatCompletionRequest = z.infer<typeof createChatCompletionRequestSchema>;
