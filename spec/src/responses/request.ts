/**
 * The body of `POST /responses`. Rules between fields (`previous_response_id` beside `conversation`) and what a given
 * model cannot do are the server's business.
 */
import { z } from "zod";
import { moderationOptionsSchema } from "../chat/request-options.ts";
import { modelIdSchema } from "../models/model.ts";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { inputItemSchema } from "./input-item.ts";
import {
  includeSchema,
  promptTemplateSchema,
  responsePromptCacheOptionsSchema,
  reasoningOptionsSchema,
  responseServiceTierSchema,
  textOptionsSchema,
} from "./options.ts";
import { responseToolChoiceSchema, responseToolSchema } from "./tool.ts";

/**
 * A request for a response. `null` and unknown keys are read as in `createChatCompletionRequestSchema`. The model has
 * to be named: prompt templates, which could name one, are OpenAI's.
 *
 * Upstream: `CreateResponse` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createResponseRequestSchema = openObject({
  metadata: metadataSchema.nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().nullish().meta({ deprecated: true }),
  safety_identifier: z.string().max(64).nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullish().meta({ deprecated: true }),
  prompt_cache_options: responsePromptCacheOptionsSchema.nullish(),
  previous_response_id: z.string().nullish(),
  model: modelIdSchema,
  background: z.boolean().nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  text: textOptionsSchema.nullish(),
  tools: z.array(responseToolSchema).nullish(),
  tool_choice: responseToolChoiceSchema.nullish(),
  prompt: promptTemplateSchema.nullish(),
  service_tier: responseServiceTierSchema.nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish().meta({ deprecated: true }),
  reasoning: reasoningOptionsSchema.nullish(),
  input: z.union([z.string(), z.array(inputItemSchema)]).nullish(),
  include: z.array(includeSchema).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  store: z.boolean().nullish(),
  instructions: z.string().nullish(),
  moderation: moderationOptionsSchema.nullish(),
  stream: z.boolean().nullish(),
  stream_options: openObject({ include_obfuscation: z.boolean().nullish() }).nullish(),
  conversation: z.union([z.string(), openObject({ id: z.string() })]).nullish(),
  context_management: z
    .array(openObject({ type: z.string(), compact_threshold: z.int().min(1000).nullish() }))
    .min(1)
    .nullish(),
  max_output_tokens: z.int().min(1).nullish(),
}).meta({ id: "CreateResponse" });
export type CreateResponseRequest = z.infer<typeof createResponseRequestSchema>;
