/** Whether and which tools the model calls. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

export const allowedToolsChoiceSchema = openObject({
  type: z.literal("allowed_tools"),
  allowed_tools: openObject({
    mode: z.enum(["auto", "required"]),
    tools: z
      .array(z.record(z.string(), z.unknown()))
      .describe('Tools by name, such as `{"type":"function","function":{"name":"get_weather"}}`.'),
  }).meta({ id: "ChatCompletionAllowedTools" }),
}).meta({ id: "ChatCompletionAllowedToolsChoice" });

export const namedToolChoiceSchema = openObject({
  type: z.literal("function"),
  function: openObject({ name: z.string() }),
}).meta({ id: "ChatCompletionNamedToolChoice" });

export const namedCustomToolChoiceSchema = openObject({
  type: z.literal("custom"),
  custom: openObject({ name: z.string() }),
}).meta({ id: "ChatCompletionNamedToolChoiceCustom" });

/** `none`, `auto` or `required`, a subset of the tools, or one tool by name. */
export const toolChoiceSchema = z
  .union([
    z.enum(["none", "auto", "required"]),
    z.discriminatedUnion("type", [allowedToolsChoiceSchema, namedToolChoiceSchema, namedCustomToolChoiceSchema]),
  ])
  .meta({ id: "ChatCompletionToolChoiceOption" });
export type ToolChoice = z.infer<typeof toolChoiceSchema>;

/** The deprecated `function_call` parameter: `none`, `auto`, or one function by name. */
export const functionCallChoiceSchema = z.union([
  z.enum(["none", "auto"]),
  openObject({ name: z.string() }).meta({ id: "ChatCompletionFunctionCallOption" }),
]);
