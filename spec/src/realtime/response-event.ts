/** What a realtime server says of a response: only sessions that talk have any. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { realtimeConversationItemSchema } from "./conversation-item.ts";

const responseSchema = openObject({
  id: z.string().optional(),
  object: z.literal("realtime.response").optional(),
  status: z.enum(["completed", "cancelled", "failed", "incomplete", "in_progress"]).optional(),
  output: z.array(realtimeConversationItemSchema).optional(),
}).meta({ id: "RealtimeResponse" });

const partSchema = openObject({ type: z.enum(["text", "audio"]).optional() });

/** Of a part of an output item. */
const partFields = {
  response_id: z.string(),
  item_id: z.string(),
  output_index: z.int(),
  content_index: z.int(),
};
const callFields = { response_id: z.string(), item_id: z.string(), output_index: z.int() };

function defineEvent<const Type extends string, Fields extends z.ZodRawShape>(type: Type, fields: Fields) {
  return openObject({ event_id: z.string(), type: z.literal(type), ...fields });
}

export const realtimeResponseEventSchemas = [
  defineEvent("response.created", { response: responseSchema }),
  defineEvent("response.done", { response: responseSchema }),
  defineEvent("response.output_item.added", {
    response_id: z.string(),
    output_index: z.int(),
    item: realtimeConversationItemSchema,
  }),
  defineEvent("response.output_item.done", {
    response_id: z.string(),
    output_index: z.int(),
    item: realtimeConversationItemSchema,
  }),
  defineEvent("response.content_part.added", { ...partFields, part: partSchema }),
  defineEvent("response.content_part.done", { ...partFields, part: partSchema }),
  defineEvent("response.output_text.delta", { ...partFields, delta: z.string() }),
  defineEvent("response.output_text.done", { ...partFields, text: z.string() }),
  defineEvent("response.output_audio.delta", { ...partFields, delta: z.string() }),
  defineEvent("response.output_audio.done", partFields),
  defineEvent("response.output_audio_transcript.delta", { ...partFields, delta: z.string() }),
  defineEvent("response.output_audio_transcript.done", { ...partFields, transcript: z.string() }),
  defineEvent("response.function_call_arguments.delta", { ...callFields, call_id: z.string(), delta: z.string() }),
  defineEvent("response.function_call_arguments.done", {
    ...callFields,
    call_id: z.string(),
    name: z.string(),
    arguments: z.string(),
  }),
  defineEvent("response.mcp_call_arguments.delta", {
    ...callFields,
    delta: z.string(),
    obfuscation: z.string().nullish(),
  }),
  defineEvent("response.mcp_call_arguments.done", { ...callFields, arguments: z.string() }),
  defineEvent("response.mcp_call.in_progress", { output_index: z.int(), item_id: z.string() }),
  defineEvent("response.mcp_call.completed", { output_index: z.int(), item_id: z.string() }),
  defineEvent("response.mcp_call.failed", { output_index: z.int(), item_id: z.string() }),
  defineEvent("mcp_list_tools.in_progress", { item_id: z.string() }),
  defineEvent("mcp_list_tools.completed", { item_id: z.string() }),
  defineEvent("mcp_list_tools.failed", { item_id: z.string() }),
  defineEvent("output_audio_buffer.started", { response_id: z.string() }),
  defineEvent("output_audio_buffer.stopped", { response_id: z.string() }),
  defineEvent("output_audio_buffer.cleared", { response_id: z.string() }),
] as const;
