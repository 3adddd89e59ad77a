/**
 * The messages of a chat request, one shape per role. Rules between messages (a `tool` message answers a call, an
 * assistant message without content has calls) are the server's business.
 */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { assistantContentPartSchema, textContentSchema, userContentPartSchema } from "./content-part.ts";
import { functionCallSchema, toolCallSchema } from "./tool-call.ts";

export const developerMessageSchema = openObject({
  content: textContentSchema,
  role: z.literal("developer"),
  name: z.string().nullish(),
}).meta({ id: "ChatCompletionRequestDeveloperMessage" });

export const systemMessageSchema = openObject({
  content: textContentSchema,
  role: z.literal("system"),
  name: z.string().nullish(),
}).meta({ id: "ChatCompletionRequestSystemMessage" });

export const userMessageSchema = openObject({
  content: z.union([z.string(), z.array(userContentPartSchema).min(1)]),
  role: z.literal("user"),
  name: z.string().nullish(),
}).meta({ id: "ChatCompletionRequestUserMessage" });

export const assistantMessageSchema = openObject({
  content: z.union([z.string(), z.array(assistantContentPartSchema).min(1)]).nullish(),
  refusal: z.string().nullish(),
  role: z.literal("assistant"),
  name: z.string().nullish(),
  audio: openObject({ id: z.string() }).nullish(),
  tool_calls: z.array(toolCallSchema).nullish(),
  function_call: functionCallSchema.nullish().meta({ deprecated: true }),
}).meta({ id: "ChatCompletionRequestAssistantMessage" });

export const toolMessageSchema = openObject({
  role: z.literal("tool"),
  content: textContentSchema,
  tool_call_id: z.string(),
}).meta({ id: "ChatCompletionRequestToolMessage" });

export const functionMessageSchema = openObject({
  role: z.literal("function"),
  content: z.string().nullable(),
  name: z.string(),
}).meta({ id: "ChatCompletionRequestFunctionMessage", deprecated: true });

/** A message of the conversation so far, told apart by `role`. */
export const requestMessageSchema = z
  .discriminatedUnion("role", [
    developerMessageSchema,
    systemMessageSchema,
    userMessageSchema,
    assistantMessageSchema,
    toolMessageSchema,
    functionMessageSchema,
  ])
  .meta({ id: "ChatCompletionRequestMessage" });
export type RequestMessage = z.infer<typeof requestMessageSchema>;
