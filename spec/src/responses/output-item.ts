/** One item of a response's `output`. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { outputTextContentSchema, refusalContentSchema } from "./content-part.ts";

const status = z.enum(["in_progress", "completed", "incomplete"]);

export const outputMessageSchema = openObject({
  id: z.string(),
  type: z.literal("message"),
  role: z.literal("assistant"),
  content: z.array(z.discriminatedUnion("type", [outputTextContentSchema, refusalContentSchema])),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
  status,
}).meta({ id: "OutputMessage" });
export type OutputMessage = z.infer<typeof outputMessageSchema>;

export const outputFunctionCallSchema = openObject({
  id: z.string().optional(),
  type: z.literal("function_call"),
  call_id: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
  arguments: z.string(),
  status: status.optional(),
}).meta({ id: "OutputFunctionToolCall" });
export type OutputFunctionCall = z.infer<typeof outputFunctionCallSchema>;

export const outputCustomToolCallSchema = openObject({
  id: z.string().optional(),
  type: z.literal("custom_tool_call"),
  call_id: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
  input: z.string(),
  status: status.optional(),
}).meta({ id: "OutputCustomToolCall" });
export type OutputCustomToolCall = z.infer<typeof outputCustomToolCallSchema>;

export const summaryTextSchema = openObject({ type: z.literal("summary_text"), text: z.string() }).meta({
  id: "SummaryTextContent",
});

export const reasoningTextSchema = openObject({ type: z.literal("reasoning_text"), text: z.string() }).meta({
  id: "ReasoningTextContent",
});

export const outputReasoningSchema = openObject({
  id: z.string(),
  type: z.literal("reasoning"),
  summary: z.array(summaryTextSchema),
  content: z.array(reasoningTextSchema).optional(),
  encrypted_content: z.string().nullish(),
  status: status.optional(),
}).meta({ id: "OutputReasoningItem" });
export type OutputReasoning = z.infer<typeof outputReasoningSchema>;

/** Items of a server that runs tools itself, or has items of its own. */
export const otherOutputItemSchema = openObject({
  type: z.string().regex(/^(?!(?:message|function_call|custom_tool_call|reasoning)$)[\w-]{1,64}$/),
});

export const outputItemSchema = z
  .union([
    z.discriminatedUnion("type", [
      outputMessageSchema,
      outputFunctionCallSchema,
      outputCustomToolCallSchema,
      outputReasoningSchema,
    ]),
    otherOutputItemSchema,
  ])
  .meta({ id: "OutputItem" });
export type OutputItem = z.infer<typeof outputItemSchema>;
