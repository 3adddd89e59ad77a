/** The non-streaming answer of `POST /chat/completions`. */
import { z } from "zod";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { serviceTierSchema } from "../shared/service-tier.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { completionUsageSchema } from "../shared/usage.ts";
import { finishReasonSchema } from "./finish-reason.ts";
import { choiceLogprobsSchema } from "./logprobs.ts";
import { chatModerationSchema } from "./moderation-result.ts";
import { responseMessageSchema } from "./response-message.ts";

/** One of the `n` answers. `logprobs` is always present, `null` unless it was asked for. */
export const chatChoiceSchema = openObject({
  finish_reason: finishReasonSchema,
  index: z.int().min(0),
  message: responseMessageSchema,
  logprobs: choiceLogprobsSchema.nullable(),
});
export type ChatChoice = z.infer<typeof chatChoiceSchema>;

/** A chat completion. `usage` is optional upstream; this project's server always sends it. */
export const createChatCompletionResponseSchema = openObject({
  id: z.string(),
  choices: z.array(chatChoiceSchema),
  created: unixTimeSchema,
  model: z.string(),
  metadata: metadataSchema.nullish(),
  service_tier: serviceTierSchema.nullish(),
  system_fingerprint: z.string().optional().meta({ deprecated: true }),
  object: z.literal("chat.completion"),
  usage: completionUsageSchema.optional(),
  moderation: chatModerationSchema.nullish(),
}).meta({ id: "CreateChatCompletionResponse" });
export type CreateChatCompletionResponse = z.infer<typeof createChatCompletionResponseSchema>;
