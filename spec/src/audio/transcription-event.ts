/** The events of a streamed transcription. The order of events is a check's business, not the shape's. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import {
  transcriptionDiarizedSegmentSchema,
  transcriptionLanguageSchema,
  transcriptionLogprobSchema,
} from "./transcription-segment.ts";
import { transcriptionTokenUsageSchema } from "./usage.ts";

/** With `diarized_json`: what one speaker said, complete. */
export const transcriptTextSegmentEventSchema = transcriptionDiarizedSegmentSchema.meta({
  id: "TranscriptTextSegmentEvent",
});
export type TranscriptTextSegmentEvent = z.infer<typeof transcriptTextSegmentEventSchema>;

/** What comes next in the transcript. */
export const transcriptTextDeltaEventSchema = openObject({
  type: z.literal("transcript.text.delta"),
  delta: z.string(),
  logprobs: z.array(transcriptionLogprobSchema).optional(),
  segment_id: z.string().optional(),
}).meta({ id: "TranscriptTextDeltaEvent" });
export type TranscriptTextDeltaEvent = z.infer<typeof transcriptTextDeltaEventSchema>;

/** The end: the whole transcript. */
export const transcriptTextDoneEventSchema = openObject({
  type: z.literal("transcript.text.done"),
  text: z.string(),
  languages: z.array(transcriptionLanguageSchema).optional(),
  logprobs: z.array(transcriptionLogprobSchema).optional(),
  usage: transcriptionTokenUsageSchema.optional(),
}).meta({ id: "TranscriptTextDoneEvent" });
export type TranscriptTextDoneEvent = z.infer<typeof transcriptTextDoneEventSchema>;

export const createTranscriptionResponseStreamEventSchema = z
  .discriminatedUnion("type", [
    transcriptTextSegmentEventSchema,
    transcriptTextDeltaEventSchema,
    transcriptTextDoneEventSchema,
  ])
  .meta({ id: "CreateTranscriptionResponseStreamEvent" });
export type CreateTranscriptionResponseStreamEvent = z.infer<typeof createTranscriptionResponseStreamEventSchema>;
