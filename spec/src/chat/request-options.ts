/** The parameters of a chat request that are objects of their own. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { voiceSchema } from "../shared/voice.ts";
import { textContentSchema } from "./content-part.ts";

/** The voice and the file format of a spoken answer. */
export const audioOptionsSchema = openObject({
  voice: voiceSchema,
  format: z.enum(["wav", "aac", "mp3", "flac", "opus", "pcm16"]),
});

/** Text that the answer is expected to repeat, given to make it faster. */
export const predictionSchema = openObject({
  type: z.literal("content"),
  content: textContentSchema,
}).meta({ id: "PredictionContent" });

/** What a stream carries beside the answer. */
export const streamOptionsSchema = openObject({
  include_usage: z.boolean().nullish().describe("Send one last chunk with `choices: []` and the usage."),
  include_obfuscation: z.boolean().nullish(),
}).meta({ id: "ChatCompletionStreamOptions" });
export type StreamOptions = z.infer<typeof streamOptionsSchema>;

export const webSearchOptionsSchema = openObject({
  user_location: openObject({
    type: z.literal("approximate"),
    approximate: openObject({
      country: z.string().nullish(),
      region: z.string().nullish(),
      city: z.string().nullish(),
      timezone: z.string().nullish(),
    }).meta({ id: "WebSearchLocation" }),
  }).nullish(),
  search_context_size: z.enum(["low", "medium", "high"]).nullish(),
});

const moderationConfigSchema = openObject({ mode: z.enum(["score", "block"]) }).meta({ id: "ModerationConfigParam" });

/** Which moderation model looks at the prompt and the answer, and whether it only scores or also blocks. */
export const moderationOptionsSchema = openObject({
  model: z.string(),
  policy: openObject({
    input: moderationConfigSchema.nullish(),
    output: moderationConfigSchema.nullish(),
  })
    .meta({ id: "ModerationPolicyParam" })
    .nullish(),
}).meta({ id: "ModerationParam" });
