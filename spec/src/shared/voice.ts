/** Who speaks. */
import { z } from "zod";
import { openObject } from "./open-object.ts";

/** A voice by name, or one of the caller's own by id. Any name: a server names its own voices. */
export const voiceSchema = z.union([z.string(), openObject({ id: z.string() })]).meta({ id: "VoiceIdsOrCustomVoice" });
