/** The pieces of a message in a request: text, image, audio, file and refusal. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { promptCacheBreakpointSchema } from "./prompt-cache.ts";

export const contentPartTextSchema = openObject({
  type: z.literal("text"),
  text: z.string(),
  prompt_cache_breakpoint: promptCacheBreakpointSchema.nullish(),
}).meta({ id: "ChatCompletionRequestMessageContentPartText" });

export const contentPartImageSchema = openObject({
  type: z.literal("image_url"),
  image_url: openObject({
    url: z.string().describe("The address of the image, or the image itself as a data URL."),
    detail: z.enum(["auto", "low", "high", "original"]).nullish(),
  }),
  prompt_cache_breakpoint: promptCacheBreakpointSchema.nullish(),
}).meta({ id: "ChatCompletionRequestMessageContentPartImage" });

export const contentPartAudioSchema = openObject({
  type: z.literal("input_audio"),
  input_audio: openObject({
    data: z.string().describe("The audio in base64."),
    format: z.enum(["wav", "mp3"]),
  }),
  prompt_cache_breakpoint: promptCacheBreakpointSchema.nullish(),
}).meta({ id: "ChatCompletionRequestMessageContentPartAudio" });

export const contentPartFileSchema = openObject({
  type: z.literal("file"),
  file: openObject({
    filename: z.string().nullish(),
    file_data: z.string().nullish().describe("The file in base64."),
    file_id: z.string().nullish().describe("The id of an uploaded file."),
  }),
  prompt_cache_breakpoint: promptCacheBreakpointSchema.nullish(),
}).meta({ id: "ChatCompletionRequestMessageContentPartFile" });

export const contentPartRefusalSchema = openObject({
  type: z.literal("refusal"),
  refusal: z.string(),
}).meta({ id: "ChatCompletionRequestMessageContentPartRefusal" });

/** What a user message may hold. */
export const userContentPartSchema = z
  .discriminatedUnion("type", [
    contentPartTextSchema,
    contentPartImageSchema,
    contentPartAudioSchema,
    contentPartFileSchema,
  ])
  .meta({ id: "ChatCompletionRequestUserMessageContentPart" });
export type UserContentPart = z.infer<typeof userContentPartSchema>;

/** What an assistant message may hold. */
export const assistantContentPartSchema = z
  .discriminatedUnion("type", [contentPartTextSchema, contentPartRefusalSchema])
  .meta({ id: "ChatCompletionRequestAssistantMessageContentPart" });
export type AssistantContentPart = z.infer<typeof assistantContentPartSchema>;

/** Content that is text alone: a string, or text parts. */
export const textContentSchema = z.union([z.string(), z.array(contentPartTextSchema).min(1)]);
export type TextContent = z.infer<typeof textContentSchema>;
