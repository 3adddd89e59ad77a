/** What messages, outputs of tools and answers of the Responses API are made of. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

export const inputTextContentSchema = openObject({ type: z.literal("input_text"), text: z.string() }).meta({
  id: "InputTextContent",
});

export const inputImageContentSchema = openObject({
  type: z.literal("input_image"),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  detail: z.enum(["low", "high", "auto", "original"]).nullish(),
}).meta({ id: "InputImageContent" });

export const inputFileContentSchema = openObject({
  type: z.literal("input_file"),
  file_id: z.string().nullish(),
  filename: z.string().nullish(),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  detail: z.enum(["low", "high", "auto"]).nullish(),
}).meta({ id: "InputFileContent" });

const probability = {
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)).nullish(),
};

/** A token of the answer, with the likeliest tokens of its place. */
export const responseLogprobSchema = openObject({
  ...probability,
  top_logprobs: z.array(openObject(probability)).optional(),
}).meta({ id: "LogProb" });
export type ResponseLogprob = z.infer<typeof responseLogprobSchema>;

export const outputTextContentSchema = openObject({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(openObject({ type: z.string() })),
  logprobs: z.array(responseLogprobSchema).optional(),
}).meta({ id: "OutputTextContent" });

export const refusalContentSchema = openObject({ type: z.literal("refusal"), refusal: z.string() }).meta({
  id: "RefusalContent",
});

/** A part of a message's content. Earlier answers come back as they were sent, or shortened to their text. */
export const messageContentPartSchema = z.discriminatedUnion("type", [
  inputTextContentSchema,
  openObject({ type: z.literal("output_text"), text: z.string() }),
  refusalContentSchema,
  inputImageContentSchema,
  inputFileContentSchema,
]);
export type MessageContentPart = z.infer<typeof messageContentPartSchema>;

/** What a tool has answered. */
export const toolOutputSchema = z.union([
  z.string(),
  z.array(z.discriminatedUnion("type", [inputTextContentSchema, inputImageContentSchema, inputFileContentSchema])),
]);
export type ToolOutput = z.infer<typeof toolOutputSchema>;
