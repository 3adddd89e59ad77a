/** A prompt: what goes in, the answer in one piece, and the events of a streamed one. */
import { z } from "zod";
import { requestMessageSchema } from "../chat/request-message.ts";
import { toolChoiceSchema } from "../chat/tool-choice.ts";
import { toolSchema } from "../chat/tool.ts";
import { finishReasonSchema } from "../chat/finish-reason.ts";
import { reasoningEffortSchema } from "../shared/reasoning-effort.ts";
import { nativeIdSchema, tokenCount } from "./shared.ts";

/** Free text, any JSON object, or JSON of a schema, which the answer conforms to unless `strict` is false. */
export const promptFormatSchema = z.union([
  z.enum(["text", "json"]),
  z.strictObject({
    schema: z.record(z.string(), z.unknown()).describe("A JSON Schema."),
    strict: z.boolean().optional(),
  }),
]);
export type PromptFormat = z.infer<typeof promptFormatSchema>;

/** Either `messages` or `prompt`, a single message of the user. */
export const promptInputSchema = z.strictObject({
  model: nativeIdSchema.optional().describe("Id or name of a model. Default: `default`."),
  task: nativeIdSchema
    .optional()
    .describe(
      "Id of a task of the account: its system prompt and examples come before the messages, its model is the default.",
    ),
  messages: z.array(requestMessageSchema).min(1).optional().describe("As in a chat completion."),
  prompt: z.string().min(1).optional(),
  maxOutputTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).optional(),
  seed: z.int().optional().describe("The same seed gives the same text."),
  format: promptFormatSchema.optional(),
  tools: z.array(toolSchema).optional(),
  toolChoice: toolChoiceSchema.optional(),
  parallelToolCalls: z.boolean().optional(),
  reasoningEffort: reasoningEffortSchema.optional(),
});
export type PromptInput = z.infer<typeof promptInputSchema>;

export const promptUsageSchema = z.object({
  inputTokens: tokenCount.describe("Cached ones included."),
  outputTokens: tokenCount.describe("Those of the reasoning included."),
  cachedTokens: tokenCount,
  reasoningTokens: tokenCount,
});
export type PromptUsage = z.infer<typeof promptUsageSchema>;

export const promptToolCallSchema = z.object({
  id: z.string(),
  kind: z.enum(["function", "custom"]),
  name: z.string(),
  input: z.string().describe("The arguments of a function as JSON text; the input of a custom tool."),
});
export type PromptToolCall = z.infer<typeof promptToolCallSchema>;

export const promptAnswerSchema = z.object({
  id: nativeIdSchema,
  modelId: z.string().describe("The model that answered, whatever the input called it."),
  text: z.string(),
  reasoning: z.string().nullable(),
  toolCalls: z.array(promptToolCallSchema),
  finishReason: finishReasonSchema,
  usage: promptUsageSchema,
});
export type PromptAnswer = z.infer<typeof promptAnswerSchema>;

/** `start` comes first and `end` last; a stream without `end` is not complete. */
export const promptEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), id: nativeIdSchema, modelId: z.string() }),
  z.object({ type: z.literal("reasoning-delta"), text: z.string() }),
  z.object({ type: z.literal("text-delta"), text: z.string() }),
  z.object({
    type: z.literal("tool-call-start"),
    index: z.int().min(0).describe("Counts the calls of the answer from 0."),
    id: z.string(),
    kind: z.enum(["function", "custom"]),
    name: z.string(),
  }),
  z.object({ type: z.literal("tool-call-delta"), index: z.int().min(0), text: z.string() }),
  z.object({ type: z.literal("end"), finishReason: finishReasonSchema, usage: promptUsageSchema }),
]);
export type PromptEvent = z.infer<typeof promptEventSchema>;

export const promptCancelInputSchema = z.strictObject({ id: nativeIdSchema.describe("Of its `start` event.") });

export const promptCancelledSchema = z.object({
  cancelled: z.boolean().describe("False where no prompt of the account with this id runs."),
});
