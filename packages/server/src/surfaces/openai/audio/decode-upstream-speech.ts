/** Speech for a model of an upstream. */

import { z } from "zod";
import { countCharacters } from "../count-characters.ts";
import { common, defineJsonDecoder } from "../upstream/decode-json.ts";

export const decodeUpstreamSpeech = defineJsonDecoder("createSpeech", {
  schema: z.looseObject({
    ...common,
    input: z.string().min(1),
    voice: z.unknown(),
    instructions: z.string().nullish(),
    stream_format: z.string().nullish(),
  }),
  measure: (wire) => ({
    answers: 1,
    characters: countCharacters(wire["input"]) + countCharacters(wire["instructions"]),
  }),
  isStream: (wire) => wire["stream_format"] === "sse",
});
