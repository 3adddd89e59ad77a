/** One event of a streamed chat completion. The order of events is a check's business, not the shape's. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { serviceTierSchema } from "../shared/service-tier.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { completionUsageSchema } from "../shared/usage.ts";
import { finishReasonSchema } from "./finish-reason.ts";
import { choiceLogprobsSchema } from "./logprobs.ts";
import { chatModerationSchema } from "./moderation-result.ts";

/** A piece of a tool call. `index` says which call it belongs to; id, type and name come with the first piece only. */
export const toolCallDeltaSchema = openObject({
  index: z.int().min(0),
  id: z.string().optional(),
  type: z.enum(["function", "custom"]).optional(),
  function: openObject({ name: z.string().optional(), arguments: z.string().optional() }).optional(),
  custom: openObject({ name: z.string().optional(), input: z.string().optional() }).optional(),
}).meta({ id: "ChatCompletionMessageToolCallChunk" });
export type ToolCallDelta = z.infer<typeof toolCallDeltaSchema>;

/** What a chunk adds to the message so far. */
export const chatDeltaSchema = openObject({
  content: z.string().nullish(),
  function_call: openObject({ arguments: z.string().optional(), name: z.string().optional() })
    .optional()
    .meta({ deprecated: true }),
  tool_calls: z.array(toolCallDeltaSchema).optional(),
  role: z.enum(["developer", "system", "user", "assistant", "tool"]).optional(),
  refusal: z.string().nullish(),
  audio: openObject({
    id: z.string().optional(),
    expires_at: unixTimeSchema.optional(),
    data: z.string().optional(),
    transcript: z.string().optional(),
  }).optional(),
}).meta({ id: "ChatCompletionStreamResponseDelta" });
export type ChatDelta = z.infer<typeof chatDeltaSchema>;

/** A piece of one of the `n` answers. `finish_reason` is always present, `null` until the last piece. */
export const chatChunkChoiceSchema = openObject({
  delta: chatDeltaSchema,
  logprobs: choiceLogprobsSchema.nullish(),
  finish_reason: finishReasonSchema.nullable(),
  index: z.int().min(0),
});
export type ChatChunkChoice = z.infer<typeof chatChunkChoiceSchema>;

/** A chunk. `choices` is always an array: it is empty in the usage chunk, where `usage` is not `null`. */
export const createChatCompletionStreamResponseSchema = openObject({
  id: z.string(),
  choices: z.array(chatChunkChoiceSchema),
  created: unixTimeSchema,
  model: z.string(),
  obfuscation: z.string().optional(),
  service_tier: serviceTierSchema.nullish(),
  system_fingerprint: z.string().optional().meta({ deprecated: true }),
  object: z.literal("chat.completion.chunk"),
  usage: completionUsageSchema.nullish(),
  moderation: chatModerationSchema.nullish(),
}).meta({ id: "CreateChatCompletionStreamResponse" });
export type CreateChatCompletionStreamResponse = z.infer<typeof createChatCompletionStreamResponseSchema>;
