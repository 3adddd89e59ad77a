/** The pieces of a transcript, with their times in seconds from the start of the audio. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const secondsSchema = z.number().min(0);

export const transcriptionWordSchema = openObject({
  word: z.string(),
  start: secondsSchema,
  end: secondsSchema,
}).meta({ id: "TranscriptionWord" });
export type TranscriptionWord = z.infer<typeof transcriptionWordSchema>;

/** A segment of `verbose_json`. All ten keys are always present: clients refuse the whole answer where one lacks. */
export const transcriptionSegmentSchema = openObject({
  id: z.int().min(0),
  seek: z.int().min(0),
  start: secondsSchema,
  end: secondsSchema,
  text: z.string(),
  tokens: z.array(z.int().min(0)),
  temperature: z.number(),
  avg_logprob: z.number(),
  compression_ratio: z.number(),
  no_speech_prob: z.number(),
}).meta({ id: "TranscriptionSegment" });
export type TranscriptionSegment = z.infer<typeof transcriptionSegmentSchema>;

/** What one speaker said: an element of `diarized_json`. */
export const transcriptionDiarizedSegmentSchema = openObject({
  type: z.literal("transcript.text.segment"),
  id: z.string(),
  start: secondsSchema,
  end: secondsSchema,
  text: z.string(),
  speaker: z.string().describe("A name that the request gave, or `A`, `B` and so on."),
}).meta({ id: "TranscriptionDiarizedSegment" });
export type TranscriptionDiarizedSegment = z.infer<typeof transcriptionDiarizedSegmentSchema>;

/** A language that was heard. */
export const transcriptionLanguageSchema = openObject({ code: z.string() }).meta({ id: "TranscriptionLanguage" });

/** A token of the transcript. */
export const transcriptionLogprobSchema = openObject({
  token: z.string().optional(),
  logprob: z.number().optional(),
  bytes: z.array(z.int().min(0).max(255)).optional(),
});
