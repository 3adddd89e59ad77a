/** The output format of an answer: free text, any JSON object, or JSON of a given schema. */
import { z } from "zod";
import { functionNameSchema } from "./function-name.ts";
import { openObject } from "./open-object.ts";

export const responseFormatTextSchema = openObject({ type: z.literal("text") }).meta({ id: "ResponseFormatText" });

export const responseFormatJsonSchemaSchema = openObject({
  type: z.literal("json_schema"),
  json_schema: openObject({
    description: z.string().nullish(),
    name: functionNameSchema,
    schema: z.record(z.string(), z.unknown()).nullish().describe("A JSON Schema."),
    strict: z.boolean().nullish(),
  }),
}).meta({ id: "ResponseFormatJsonSchema" });

export const responseFormatJsonObjectSchema = openObject({ type: z.literal("json_object") }).meta({
  id: "ResponseFormatJsonObject",
});

/** One of the three formats, told apart by `type`. */
export const responseFormatSchema = z.discriminatedUnion("type", [
  responseFormatTextSchema,
  responseFormatJsonSchemaSchema,
  responseFormatJsonObjectSchema,
]);
export type ResponseFormat = z.infer<typeof responseFormatSchema>;
