/** The tools that a request of the Responses API offers, and which of them the model calls. */
import { z } from "zod";
import { functionNameSchema } from "../shared/function-name.ts";
import { openObject } from "../shared/open-object.ts";

/** Unlike in a chat, its fields stand at the top. */
export const responseFunctionToolSchema = openObject({
  type: z.literal("function"),
  name: functionNameSchema,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
}).meta({ id: "FunctionTool" });
export type ResponseFunctionTool = z.infer<typeof responseFunctionToolSchema>;

export const responseCustomToolSchema = openObject({
  type: z.literal("custom"),
  name: functionNameSchema,
  description: z.string().nullish(),
  format: z
    .discriminatedUnion("type", [
      openObject({ type: z.literal("text") }),
      openObject({ type: z.literal("grammar"), syntax: z.enum(["lark", "regex"]), definition: z.string() }),
    ])
    .nullish(),
}).meta({ id: "CustomToolParam" });
export type ResponseCustomTool = z.infer<typeof responseCustomToolSchema>;

/** Tools that are called by two names: the namespace's and their own. */
export const namespaceToolSchema = openObject({
  type: z.literal("namespace"),
  name: functionNameSchema,
  description: z.string().nullish(),
  tools: z.array(z.discriminatedUnion("type", [responseFunctionToolSchema, responseCustomToolSchema])),
}).meta({ id: "NamespaceToolParam" });

/** Tools that a server runs itself: `web_search`, `mcp`, `file_search` and others, each with fields of its own. */
export const hostedToolSchema = openObject({
  type: z.string().regex(/^(?!(?:function|custom|namespace)$)[\w-]{1,64}$/),
}).meta({ id: "HostedTool" });

export const responseToolSchema = z.union([
  z.discriminatedUnion("type", [responseFunctionToolSchema, responseCustomToolSchema, namespaceToolSchema]),
  hostedToolSchema,
]);
export type ResponseTool = z.infer<typeof responseToolSchema>;

export const responseToolChoiceSchema = z.union([
  z.enum(["none", "auto", "required"]),
  z.discriminatedUnion("type", [
    openObject({ type: z.literal("function"), name: z.string() }).meta({ id: "ToolChoiceFunction" }),
    openObject({ type: z.literal("custom"), name: z.string() }).meta({ id: "ToolChoiceCustom" }),
    openObject({
      type: z.literal("allowed_tools"),
      mode: z.enum(["auto", "required"]),
      tools: z.array(z.record(z.string(), z.unknown())),
    }).meta({ id: "ToolChoiceAllowed" }),
  ]),
  openObject({ type: z.string().regex(/^(?!(?:function|custom|allowed_tools)$)[\w-]{1,64}$/) }),
]);
export type ResponseToolChoice = z.infer<typeof responseToolChoiceSchema>;
