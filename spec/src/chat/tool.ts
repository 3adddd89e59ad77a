/** The tools that a caller offers to the model, and the deprecated functions that they replaced. */
import { z } from "zod";
import { functionNameSchema } from "../shared/function-name.ts";
import { openObject } from "../shared/open-object.ts";

/** The arguments of a function as a JSON Schema; absent means that it takes none. */
export const functionParametersSchema = z.record(z.string(), z.unknown()).meta({ id: "FunctionParameters" });

export const functionToolSchema = openObject({
  type: z.literal("function"),
  function: openObject({
    description: z.string().nullish(),
    name: functionNameSchema,
    parameters: functionParametersSchema.nullish(),
    strict: z.boolean().nullish(),
  }).meta({ id: "FunctionObject" }),
}).meta({ id: "ChatCompletionTool" });

export const customToolSchema = openObject({
  type: z.literal("custom"),
  custom: openObject({
    name: functionNameSchema,
    description: z.string().nullish(),
    format: z
      .discriminatedUnion("type", [
        openObject({ type: z.literal("text") }),
        openObject({
          type: z.literal("grammar"),
          grammar: openObject({ definition: z.string(), syntax: z.enum(["lark", "regex"]) }),
        }),
      ])
      .nullish(),
  }),
}).meta({ id: "CustomToolChatCompletions" });

export const toolSchema = z.discriminatedUnion("type", [functionToolSchema, customToolSchema]);
export type Tool = z.infer<typeof toolSchema>;

/** A function in the deprecated `functions` parameter. */
export const functionDefinitionSchema = openObject({
  description: z.string().nullish(),
  name: functionNameSchema,
  parameters: functionParametersSchema.nullish(),
}).meta({ id: "ChatCompletionFunctions", deprecated: true });
