/**
 * One event of a streamed completion. Upstream documents the non-streaming answer for it, which its own events do not
 * follow; the shape here is what they have. The order of events is a check's business.
 */
import { z } from "zod";
import { completionUsageSchema } from "../shared/usage.ts";
import { completionChoiceSchema, completionFinishReasonSchema, createCompletionResponseSchema } from "./response.ts";

/** A piece of one text. `finish_reason` is always present, `null` until the last piece. */
export const completionChunkChoiceSchema = completionChoiceSchema.extend({
  finish_reason: completionFinishReasonSchema.nullable(),
});
export type CompletionChunkChoice = z.infer<typeof completionChunkChoiceSchema>;

/** A chunk. `choices` is always an array: it is empty in the usage chunk, where `usage` is not `null`. */
export const createCompletionStreamResponseSchema = createCompletionResponseSchema
  .extend({
    choices: z.array(completionChunkChoiceSchema),
    usage: completionUsageSchema.nullish(),
  })
  .meta({ id: "CreateCompletionStreamResponse" });
export type CreateCompletionStreamResponse = z.infer<typeof createCompletionStreamResponseSchema>;
