/** A short-lived credential for a browser, and the session that it opens. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { realtimeSessionRequestSchema, realtimeSessionResponseSchema } from "./session.ts";

/** How long a client secret is valid, in seconds, where its request doesn't say. */
export const CLIENT_SECRET_SECONDS_DEFAULT = 600;

export const realtimeCreateClientSecretRequestSchema = openObject({
  expires_after: openObject({
    anchor: z.literal("created_at").nullish(),
    seconds: z.int().min(10).max(7200).nullish(),
  }).nullish(),
  session: realtimeSessionRequestSchema.nullish(),
}).meta({ id: "RealtimeCreateClientSecretRequest" });
export type RealtimeCreateClientSecretRequest = z.infer<typeof realtimeCreateClientSecretRequestSchema>;

export const realtimeCreateClientSecretResponseSchema = openObject({
  value: z.string(),
  expires_at: unixTimeSchema,
  session: realtimeSessionResponseSchema,
}).meta({ id: "RealtimeCreateClientSecretResponse" });
export type RealtimeCreateClientSecretResponse = z.infer<typeof realtimeCreateClientSecretResponseSchema>;
