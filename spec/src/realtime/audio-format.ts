/** How the audio of a realtime session is encoded. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

/** 16-bit little-endian mono samples of 24 kHz, or G.711 of 8 kHz. */
export const realtimeAudioFormatsSchema = z
  .discriminatedUnion("type", [
    openObject({ type: z.literal("audio/pcm"), rate: z.literal(24_000).nullish() }),
    openObject({ type: z.literal("audio/pcmu") }),
    openObject({ type: z.literal("audio/pcma") }),
  ])
  .meta({ id: "RealtimeAudioFormats" });
export type RealtimeAudioFormats = z.infer<typeof realtimeAudioFormatsSchema>;
