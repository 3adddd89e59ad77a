/** A chat for a model of an upstream. */

import { z } from "zod";
import { defineJsonDecoder, generated } from "../upstream/decode-json.ts";

export const decodeUpstreamChat = defineJsonDecoder("createChatCompletion", {
  schema: z.looseObject({ ...generated, messages: z.array(z.looseObject({ role: z.string() })).min(1) }),
});
