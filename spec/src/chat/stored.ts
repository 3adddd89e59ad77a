/** Stored chat completions: those that were made with `store: true`. */
import { z } from "zod";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { pageFields, pageParameters } from "../shared/page.ts";
import { createChatCompletionResponseSchema } from "./response.ts";

export const completionIdSchema = z.string().min(1).describe("The id of a stored chat completion.");

export const listChatCompletionsParameters = {
  model: z.string().optional().describe("Only completions of this model."),
  metadata: z
    .record(z.string(), z.string())
    .optional()
    .describe("Only completions with these labels, each as `metadata[key]=value`."),
  ...pageParameters,
};

export const chatCompletionListSchema = openObject({
  ...pageFields,
  data: z.array(createChatCompletionResponseSchema),
}).meta({ id: "ChatCompletionList" });
export type ChatCompletionList = z.infer<typeof chatCompletionListSchema>;

/** `null` removes all labels. */
export const updateChatCompletionRequestSchema = openObject({ metadata: metadataSchema.nullable() });

export const chatCompletionDeletedSchema = openObject({
  object: z.literal("chat.completion.deleted"),
  id: z.string(),
  deleted: z.boolean(),
}).meta({ id: "ChatCompletionDeleted" });
export type ChatCompletionDeleted = z.infer<typeof chatCompletionDeletedSchema>;

/** A message that was sent. `content_parts` has its parts where it was sent as such. */
export const storedMessageSchema = openObject({
  id: z.string(),
  role: z.string(),
  content: z.string().nullable(),
  name: z.string().nullish(),
  content_parts: z.array(openObject({ type: z.string() })).nullish(),
});
export type StoredMessage = z.infer<typeof storedMessageSchema>;

export const chatCompletionMessageListSchema = openObject({
  ...pageFields,
  data: z.array(storedMessageSchema),
}).meta({ id: "ChatCompletionMessageList" });
export type ChatCompletionMessageList = z.infer<typeof chatCompletionMessageListSchema>;
