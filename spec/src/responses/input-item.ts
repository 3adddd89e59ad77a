/** One item of a request's `input`: what was said, called and answered so far. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { reasoningEffortSchema } from "../shared/reasoning-effort.ts";
import { messageContentPartSchema, toolOutputSchema } from "./content-part.ts";
import { textFormatSchema } from "./options.ts";

const status = z.enum(["in_progress", "completed", "incomplete"]).nullish();
/** Of what callers name items by, in characters: databases find them by it. */
export const ITEM_ID_LENGTH_MAX = 512;
const id = z.string().max(ITEM_ID_LENGTH_MAX).nullish();
const callId = z.string().min(1);

/** With or without its `type`; content is a text or a list of parts. */
export const inputMessageSchema = openObject({
  type: z.literal("message").optional(),
  id,
  role: z.enum(["user", "assistant", "system", "developer"]),
  content: z.union([z.string(), z.array(messageContentPartSchema)]),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
  status,
}).meta({ id: "EasyInputMessage" });
export type InputMessage = z.infer<typeof inputMessageSchema>;

export const inputFunctionCallSchema = openObject({
  type: z.literal("function_call"),
  id,
  call_id: callId,
  name: z.string(),
  namespace: z.string().nullish(),
  arguments: z.string(),
  status,
}).meta({ id: "FunctionToolCall" });

export const inputFunctionCallOutputSchema = openObject({
  type: z.literal("function_call_output"),
  id,
  call_id: callId,
  output: toolOutputSchema,
  status,
}).meta({ id: "FunctionCallOutputItemParam" });

export const inputCustomToolCallSchema = openObject({
  type: z.literal("custom_tool_call"),
  id,
  call_id: callId,
  name: z.string(),
  namespace: z.string().nullish(),
  input: z.string(),
}).meta({ id: "CustomToolCall" });

export const inputCustomToolCallOutputSchema = openObject({
  type: z.literal("custom_tool_call_output"),
  id,
  call_id: callId,
  output: toolOutputSchema,
}).meta({ id: "CustomToolCallOutput" });

/** Of an earlier answer, as it was sent; clients write `null` into what they have no value for. */
export const inputReasoningSchema = openObject({
  type: z.literal("reasoning"),
  id,
  summary: z.array(openObject({ type: z.literal("summary_text"), text: z.string() })).nullish(),
  content: z.array(openObject({ type: z.literal("reasoning_text"), text: z.string() })).nullish(),
  encrypted_content: z.string().nullish(),
  status,
}).meta({ id: "ReasoningItem" });
export type InputReasoning = z.infer<typeof inputReasoningSchema>;

/** What stands for the earlier part of a conversation. */
export const inputCompactionSchema = openObject({
  type: z.literal("compaction"),
  id,
  encrypted_content: z.string(),
}).meta({ id: "CompactionSummaryItemParam" });

export const itemReferenceSchema = openObject({ type: z.literal("item_reference"), id: z.string() }).meta({
  id: "ItemReferenceParam",
});

/** What the responses that follow are to be like, where their requests say nothing else. */
export const inputConfigurationUpdateSchema = openObject({
  type: z.literal("configuration_update"),
  id,
  reasoning: openObject({ effort: reasoningEffortSchema.nullish() }).nullish(),
  text: openObject({ format: textFormatSchema }).nullish(),
}).meta({ id: "ConfigurationUpdateItemParam" });

/** What hosted tools, and tools with a type of their own, have been called with and answered. */
export const HOSTED_ITEM_TYPES = [
  "file_search_call",
  "computer_call",
  "computer_call_output",
  "web_search_call",
  "tool_search_call",
  "tool_search_output",
  "additional_tools",
  "image_generation_call",
  "code_interpreter_call",
  "local_shell_call",
  "local_shell_call_output",
  "shell_call",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
  "mcp_call",
  "compaction_trigger",
  "program",
  "program_output",
] as const;

export const hostedItemSchema = openObject({ type: z.enum(HOSTED_ITEM_TYPES), id });
export type HostedItem = z.infer<typeof hostedItemSchema>;

export const inputItemSchema = z
  .union([
    z.discriminatedUnion("type", [
      inputMessageSchema,
      inputFunctionCallSchema,
      inputFunctionCallOutputSchema,
      inputCustomToolCallSchema,
      inputCustomToolCallOutputSchema,
      inputReasoningSchema,
      inputCompactionSchema,
      inputConfigurationUpdateSchema,
      itemReferenceSchema,
      hostedItemSchema,
    ]),
    openObject({ type: z.null().optional(), id: z.string() }).refine((item) => !("role" in item), {
      error: "an item without a type is a message or a reference",
    }),
  ])
  .meta({ id: "InputItem" });
export type InputItem = z.infer<typeof inputItemSchema>;
