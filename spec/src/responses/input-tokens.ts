/** How many tokens the input of a response has: what `POST /responses` reads, counted and not answered. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { createResponseRequestSchema } from "./request.ts";

/** Of the fields of a response those that its prompt is made of. */
export const inputTokensRequestSchema = createResponseRequestSchema
  .pick({
    model: true,
    input: true,
    previous_response_id: true,
    conversation: true,
    instructions: true,
    tools: true,
    tool_choice: true,
    parallel_tool_calls: true,
    text: true,
    reasoning: true,
    truncation: true,
  })
  .meta({ id: "TokenCountsBody" });

export const inputTokensSchema = openObject({
  object: z.literal("response.input_tokens"),
  input_tokens: z.int().min(0),
}).meta({ id: "TokenCountsResource" });
export type InputTokens = z.infer<typeof inputTokensSchema>;
