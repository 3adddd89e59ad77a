/** The message that a model answers with. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { functionCallSchema, toolCallSchema } from "./tool-call.ts";

/** `content` and `refusal` are always present, `null` where there is none. */
export const responseMessageSchema = openObject({
  content: z.string().nullable(),
  refusal: z.string().nullable(),
  tool_calls: z.array(toolCallSchema).optional(),
  annotations: z
    .array(
      openObject({
        type: z.literal("url_citation"),
        url_citation: openObject({
          end_index: z.int(),
          start_index: z.int(),
          url: z.string(),
          title: z.string(),
        }),
      }),
    )
    .optional(),
  role: z.literal("assistant"),
  function_call: functionCallSchema.nullish().meta({ deprecated: true }),
  audio: openObject({
    id: z.string(),
    expires_at: unixTimeSchema,
    data: z.string().describe("The audio in base64."),
    transcript: z.string(),
  }).nullish(),
}).meta({ id: "ChatCompletionResponseMessage" });
export type ResponseMessage = z.infer<typeof responseMessageSchema>;
