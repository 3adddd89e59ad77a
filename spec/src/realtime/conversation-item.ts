/** What a realtime conversation is made of. A turn that is transcribed is a message of the user. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const itemFields = {
  id: z.string().optional(),
  object: z.literal("realtime.item").optional(),
};
const statusSchema = z.enum(["completed", "incomplete", "in_progress"]).optional();

export const realtimeSystemMessageSchema = openObject({
  ...itemFields,
  type: z.literal("message"),
  status: statusSchema,
  role: z.literal("system"),
  content: z.array(openObject({ type: z.literal("input_text").optional(), text: z.string().optional() })),
}).meta({ id: "RealtimeConversationItemMessageSystem" });

export const realtimeUserMessageSchema = openObject({
  ...itemFields,
  type: z.literal("message"),
  status: statusSchema,
  role: z.literal("user"),
  content: z.array(
    openObject({
      type: z.enum(["input_text", "input_audio", "input_image"]).optional(),
      text: z.string().optional(),
      audio: z.string().optional(),
      image_url: z.string().optional(),
      detail: z.enum(["auto", "low", "high"]).optional(),
      transcript: z.string().nullish(),
    }),
  ),
}).meta({ id: "RealtimeConversationItemMessageUser" });
export type RealtimeUserMessage = z.infer<typeof realtimeUserMessageSchema>;

export const realtimeAssistantMessageSchema = openObject({
  ...itemFields,
  type: z.literal("message"),
  status: statusSchema,
  role: z.literal("assistant"),
  content: z.array(
    openObject({
      type: z.enum(["output_text", "output_audio"]).optional(),
      text: z.string().optional(),
      audio: z.string().optional(),
      transcript: z.string().nullish(),
    }),
  ),
}).meta({ id: "RealtimeConversationItemMessageAssistant" });

export const realtimeFunctionCallSchema = openObject({
  ...itemFields,
  type: z.literal("function_call"),
  status: statusSchema,
  call_id: z.string().optional(),
  name: z.string(),
  arguments: z.string(),
}).meta({ id: "RealtimeConversationItemFunctionCall" });

export const realtimeFunctionCallOutputSchema = openObject({
  ...itemFields,
  type: z.literal("function_call_output"),
  status: statusSchema,
  call_id: z.string(),
  output: z.string(),
}).meta({ id: "RealtimeConversationItemFunctionCallOutput" });

export const realtimeMcpItemSchema = openObject({
  type: z.enum(["mcp_approval_response", "mcp_list_tools", "mcp_call", "mcp_approval_request"]),
  id: z.string().optional(),
});

export const realtimeConversationItemSchema = z
  .union([
    realtimeUserMessageSchema,
    realtimeAssistantMessageSchema,
    realtimeSystemMessageSchema,
    realtimeFunctionCallSchema,
    realtimeFunctionCallOutputSchema,
    realtimeMcpItemSchema,
  ])
  .meta({ id: "RealtimeConversationItem" });
export type RealtimeConversationItem = z.infer<typeof realtimeConversationItemSchema>;
