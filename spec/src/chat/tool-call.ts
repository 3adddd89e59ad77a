/** A call that the model makes to a tool: the same shape in an answer and in its replay as a message of a request. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

export const functionToolCallSchema = openObject({
  id: z.string(),
  type: z.literal("function"),
  function: openObject({
    name: z.string(),
    arguments: z.string().describe("JSON text as the model wrote it; it may be invalid."),
  }),
}).meta({ id: "ChatCompletionMessageToolCall" });

export const customToolCallSchema = openObject({
  id: z.string(),
  type: z.literal("custom"),
  custom: openObject({ name: z.string(), input: z.string() }),
}).meta({ id: "ChatCompletionMessageCustomToolCall" });

export const toolCallSchema = z.discriminatedUnion("type", [functionToolCallSchema, customToolCallSchema]);
export type ToolCall = z.infer<typeof toolCallSchema>;

/** The deprecated single call, from before tools. */
export const functionCallSchema = openObject({ arguments: z.string(), name: z.string() });
export type FunctionCall = z.infer<typeof functionCallSchema>;
