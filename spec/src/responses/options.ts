/** The parameters of a response that are objects of their own; an answer repeats them. */
import { z } from "zod";
import { functionNameSchema } from "../shared/function-name.ts";
import { openObject } from "../shared/open-object.ts";
import { reasoningEffortSchema } from "../shared/reasoning-effort.ts";
import { responseFormatJsonObjectSchema, responseFormatTextSchema } from "../shared/response-format.ts";

/** Unlike in a chat, the fields of a schema stand beside its type. */
export const textFormatSchema = z.discriminatedUnion("type", [
  responseFormatTextSchema,
  openObject({
    type: z.literal("json_schema"),
    name: functionNameSchema,
    description: z.string().nullish(),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
  }).meta({ id: "TextResponseFormatJsonSchema" }),
  responseFormatJsonObjectSchema,
]);
export type TextFormat = z.infer<typeof textFormatSchema>;

export const textOptionsSchema = openObject({
  format: textFormatSchema.nullish(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
}).meta({ id: "ResponseTextParam" });

const summary = z.enum(["auto", "concise", "detailed"]).nullish();

export const reasoningOptionsSchema = openObject({
  mode: z.string().nullish(),
  effort: reasoningEffortSchema.nullish(),
  summary,
  context: z.enum(["auto", "current_turn", "all_turns"]).nullish(),
  generate_summary: summary.meta({ deprecated: true }),
}).meta({ id: "Reasoning" });

/** Unlike those of a chat, they know a longer time, and a run that only prepares the cache. */
export const responsePromptCacheOptionsSchema = openObject({
  ttl: z.enum(["30m", "12h"]).nullish(),
  mode: z.enum(["implicit", "explicit"]).nullish(),
  prewarm: z.boolean().nullish(),
  comparison_response_id: z.string().nullish(),
}).meta({ id: "ResponsePromptCacheOptionsParam" });

export const promptTemplateSchema = openObject({
  id: z.string(),
  version: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
}).meta({ id: "Prompt" });

export const responseServiceTierSchema = z
  .enum(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"])
  .meta({ id: "ServiceTierResponses" });

/** What may be asked for beyond an answer's usual fields. */
export const includeSchema = z
  .enum([
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
  ])
  .meta({ id: "IncludeEnum" });
