/** The events of speech with `stream_format: "sse"`. The order of events is a check's business, not the shape's. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

export const speechAudioDeltaEventSchema = openObject({
  type: z.literal("speech.audio.delta"),
  audio: z.base64().describe("The next bytes, in base64."),
}).meta({ id: "SpeechAudioDeltaEvent" });
export type SpeechAudioDeltaEvent = z.infer<typeof speechAudioDeltaEventSchema>;

export const speechAudioDoneEventSchema = openObject({
  type: z.literal("speech.audio.done"),
  usage: openObject({
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
  }),
}).meta({ id: "SpeechAudioDoneEvent" });
export type SpeechAudioDoneEvent = z.infer<typeof speechAudioDoneEventSchema>;

export const createSpeechResponseStreamEventSchema = z
  .discriminatedUnion("type", [speechAudioDeltaEventSchema, speechAudioDoneEventSchema])
  .meta({ id: "CreateSpeechResponseStreamEvent" });
export type CreateSpeechResponseStreamEvent = z.infer<typeof createSpeechResponseStreamEventSchema>;
