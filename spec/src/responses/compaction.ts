/** A conversation in fewer tokens: its user messages, and one opaque item that stands for everything else. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { itemSchema } from "./item.ts";
import { createResponseRequestSchema } from "./request.ts";
import { responseUsageSchema } from "./response.ts";

/** Of the fields of a response those that the compaction is made of. */
export const compactRequestSchema = createResponseRequestSchema
  .pick({
    model: true,
    input: true,
    previous_response_id: true,
    instructions: true,
    prompt_cache_key: true,
    prompt_cache_options: true,
    prompt_cache_retention: true,
    service_tier: true,
  })
  .meta({ id: "CompactResponseMethodPublicBody" });
export type CompactRequest = z.infer<typeof compactRequestSchema>;

/**
 * The answer. Its `output` is the input of the next request, which adds to it.
 *
 * Upstream: `CompactResource` of https://github.com/openai/openai-openapi.
 */
export const compactedResponseSchema = openObject({
  id: z.string(),
  object: z.literal("response.compaction"),
  created_at: unixTimeSchema,
  output: z.array(itemSchema),
  usage: responseUsageSchema,
}).meta({ id: "CompactResource" });
export type CompactedResponse = z.infer<typeof compactedResponseSchema>;
