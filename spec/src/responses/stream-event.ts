/**
 * The events of a streamed response: those of text, reasoning and tools that a caller offers. Events of tools that a
 * server runs itself have other types, and pass. The order of events is a check's business, not the shape's.
 */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { outputTextContentSchema, refusalContentSchema, responseLogprobSchema } from "./content-part.ts";
import { outputItemSchema, reasoningTextSchema, summaryTextSchema } from "./output-item.ts";
import { responseSchema } from "./response.ts";

const sequence = { sequence_number: z.int().min(0) };
const ofItem = { ...sequence, output_index: z.int().min(0), item_id: z.string() };
const ofPart = { ...ofItem, content_index: z.int().min(0) };
const ofSummary = { ...ofItem, summary_index: z.int().min(0) };
const part = z.discriminatedUnion("type", [outputTextContentSchema, refusalContentSchema, reasoningTextSchema]);
const logprobs = z.array(responseLogprobSchema).optional();

const ofResponse = <const Type extends string>(type: Type) =>
  openObject({ type: z.literal(type), ...sequence, response: responseSchema });
const ofOutputItem = <const Type extends string>(type: Type) =>
  openObject({ type: z.literal(type), ...sequence, output_index: z.int().min(0), item: outputItemSchema });
const ofContentPart = <const Type extends string>(type: Type) => openObject({ type: z.literal(type), ...ofPart, part });
const ofSummaryPart = <const Type extends string>(type: Type) =>
  openObject({ type: z.literal(type), ...ofSummary, part: summaryTextSchema });
const delta = { delta: z.string() };

const knownEventSchema = z.discriminatedUnion("type", [
  ofResponse("response.queued"),
  ofResponse("response.created"),
  ofResponse("response.in_progress"),
  ofResponse("response.completed"),
  ofResponse("response.incomplete"),
  ofResponse("response.failed"),
  ofOutputItem("response.output_item.added"),
  ofOutputItem("response.output_item.done"),
  ofContentPart("response.content_part.added"),
  ofContentPart("response.content_part.done"),
  openObject({ type: z.literal("response.output_text.delta"), ...ofPart, ...delta, logprobs }),
  openObject({ type: z.literal("response.output_text.done"), ...ofPart, text: z.string(), logprobs }),
  openObject({ type: z.literal("response.refusal.delta"), ...ofPart, ...delta }),
  openObject({ type: z.literal("response.refusal.done"), ...ofPart, refusal: z.string() }),
  openObject({ type: z.literal("response.reasoning_text.delta"), ...ofPart, ...delta }),
  openObject({ type: z.literal("response.reasoning_text.done"), ...ofPart, text: z.string() }),
  ofSummaryPart("response.reasoning_summary_part.added"),
  ofSummaryPart("response.reasoning_summary_part.done"),
  openObject({ type: z.literal("response.reasoning_summary_text.delta"), ...ofSummary, ...delta }),
  openObject({ type: z.literal("response.reasoning_summary_text.done"), ...ofSummary, text: z.string() }),
  openObject({ type: z.literal("response.function_call_arguments.delta"), ...ofItem, ...delta }),
  openObject({
    type: z.literal("response.function_call_arguments.done"),
    ...ofItem,
    name: z.string().optional(),
    arguments: z.string(),
  }),
  openObject({ type: z.literal("response.custom_tool_call_input.delta"), ...ofItem, ...delta }),
  openObject({ type: z.literal("response.custom_tool_call_input.done"), ...ofItem, input: z.string() }),
]);

/** Of what a caller of this server can receive. */
export type ResponseEvent = z.infer<typeof knownEventSchema>;

const KNOWN_TYPES = knownEventSchema.options.map(({ shape }) => shape.type.value.replaceAll(".", "\\."));

const otherEventSchema = openObject({
  type: z.string().regex(new RegExp(`^(?!(?:${KNOWN_TYPES.join("|")})$)`)),
  ...sequence,
});

export const responseStreamEventSchema = z.union([knownEventSchema, otherEventSchema]).meta({
  id: "ResponseStreamEvent",
});
export type ResponseStreamEvent = z.infer<typeof responseStreamEventSchema>;
