/** A response: the answer of `POST /responses`, and what its first and last events carry. */
import { z } from "zod";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { inputItemSchema } from "./input-item.ts";
import { reasoningOptionsSchema, responseServiceTierSchema, textOptionsSchema } from "./options.ts";
import { outputItemSchema } from "./output-item.ts";
import { responseToolChoiceSchema, responseToolSchema } from "./tool.ts";

export const responseUsageSchema = openObject({
  input_tokens: z.int().min(0),
  input_tokens_details: openObject({ cached_tokens: z.int().min(0), cache_write_tokens: z.int().min(0).optional() }),
  output_tokens: z.int().min(0),
  output_tokens_details: openObject({ reasoning_tokens: z.int().min(0) }),
  total_tokens: z.int().min(0),
}).meta({ id: "ResponseUsage" });
export type ResponseUsage = z.infer<typeof responseUsageSchema>;

export const responseErrorSchema = openObject({ code: z.string(), message: z.string() }).meta({ id: "ResponseError" });

export const RESPONSE_STATUSES = ["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"] as const;

export const responseSchema = openObject({
  metadata: metadataSchema.nullable(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  temperature: z.number().min(0).max(2).nullable(),
  top_p: z.number().min(0).max(1).nullable(),
  user: z.string().nullish().meta({ deprecated: true }),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  model: z.string(),
  background: z.boolean().nullish(),
  max_tool_calls: z.int().nullish(),
  store: z.boolean().nullish(),
  text: textOptionsSchema.optional(),
  tools: z.array(responseToolSchema),
  tool_choice: responseToolChoiceSchema,
  service_tier: responseServiceTierSchema.nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  id: z.string(),
  object: z.literal("response"),
  status: z.enum(RESPONSE_STATUSES).optional(),
  created_at: unixTimeSchema,
  completed_at: unixTimeSchema.nullish(),
  error: responseErrorSchema.nullable(),
  incomplete_details: openObject({ reason: z.string().optional() }).nullable(),
  output: z.array(outputItemSchema),
  reasoning: reasoningOptionsSchema.nullish(),
  instructions: z.union([z.string(), z.array(inputItemSchema)]).nullable(),
  usage: responseUsageSchema.nullish(),
  parallel_tool_calls: z.boolean(),
  conversation: openObject({ id: z.string() }).nullish(),
  max_output_tokens: z.int().nullish(),
}).meta({ id: "Response" });
export type ResponseObject = z.infer<typeof responseSchema>;
