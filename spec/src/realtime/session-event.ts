/** What a realtime server says of its session, its limits and its mistakes. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { realtimeSessionResponseSchema } from "./session.ts";

export const realtimeErrorEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("error"),
  error: openObject({
    type: z.string(),
    code: z.string().nullish(),
    message: z.string(),
    param: z.string().nullish(),
    event_id: z.string().nullish().describe("Of the client's event that caused it."),
  }),
}).meta({ id: "RealtimeServerEventError" });
export type RealtimeErrorEvent = z.infer<typeof realtimeErrorEventSchema>;

export const sessionCreatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("session.created"),
  session: realtimeSessionResponseSchema,
}).meta({ id: "RealtimeServerEventSessionCreated" });
export type SessionCreatedEvent = z.infer<typeof sessionCreatedEventSchema>;

export const sessionUpdatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("session.updated"),
  session: realtimeSessionResponseSchema,
}).meta({ id: "RealtimeServerEventSessionUpdated" });
export type SessionUpdatedEvent = z.infer<typeof sessionUpdatedEventSchema>;

export const conversationCreatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.created"),
  conversation: openObject({ id: z.string().optional(), object: z.literal("realtime.conversation").optional() }),
}).meta({ id: "RealtimeServerEventConversationCreated" });

export const rateLimitsUpdatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("rate_limits.updated"),
  rate_limits: z.array(
    openObject({
      name: z.enum(["requests", "tokens"]).optional(),
      limit: z.int().optional(),
      remaining: z.int().optional(),
      reset_seconds: z.number().optional(),
    }),
  ),
}).meta({ id: "RealtimeServerEventRateLimitsUpdated" });
