/** A chat for a model of an upstream. What its caller wants to have stored is stored here. */

import { metadataSchema } from "@openai-compat/spec";
import { z } from "zod";
import type { JsonBody } from "../../../http/read-body.ts";
import { decodeBody } from "../decode-body.ts";
import { defineJsonDecoder, generated } from "../upstream/decode-json.ts";
import type { UpstreamDecoder } from "../upstream/decode-json.ts";

const schema = z.looseObject({
  ...generated,
  messages: z.array(z.looseObject({ role: z.string() })).min(1),
  store: z.boolean().nullish(),
});

const decode = defineJsonDecoder("createChatCompletion", { schema });

/** Labels go with what is stored: OpenAI refuses them in a chat that is not. */
export const decodeUpstreamChat: UpstreamDecoder = (body, options) => {
  const stored = decodeStored(body);
  if (stored === null) return decode(body, options);
  const { store: _store, metadata: _metadata, ...value } = stored;
  return decode({ ...body, value }, options);
};

const storedSchema = schema.extend({ store: z.literal(true), metadata: metadataSchema.nullish() });

export type StoredChatBody = z.infer<typeof storedSchema>;

/** @returns null for a chat that is not to be stored. @throws AiError with status 400, `param` naming what is wrong */
export function decodeStored({ value }: JsonBody): StoredChatBody | null {
  const isStored = typeof value === "object" && value !== null && "store" in value && value.store === true;
  return isStored ? decodeBody(storedSchema, value) : null;
}
