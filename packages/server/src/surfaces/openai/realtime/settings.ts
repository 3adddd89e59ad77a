/** What bounds the realtime sessions of a server. */

import { z } from "zod";
import { count, milliseconds } from "../../../settings/units.ts";

/** 15 MiB of audio, as much as OpenAI takes in one event, in base64, and some room for the JSON around it. */
const MESSAGE_BYTES_MAX = 20 * 1024 * 1024 + 64 * 1024;

export const realtimeSchema = z.strictObject({
  sessionsMax: count.default(200).describe("Realtime sessions at the same time; more get 429."),
  accountSessionsMax: count.default(32).describe("Realtime sessions of one account at the same time; more get 429."),
  openTimeMsMax: milliseconds
    .default(10_000)
    .describe("How long a session may take to open, its authentication included; then it gets 503."),
  messageBytesMax: count
    .default(MESSAGE_BYTES_MAX)
    .describe(
      "Largest message of a client, in bytes; a larger one closes its connection with code 1009. Messages count in " +
        "limits.bodiesBytesMax and limits.accountBodiesBytesMax; what has no room there is closed with code 1013.",
    ),
  sendBytesMax: count
    .default(1024 * 1024)
    .describe("What may wait for a client to read it, in bytes; then its connection is closed with code 1013."),
  pingMs: milliseconds
    .default(20_000)
    .describe("How often a client is sent a ping; one that has not answered by the next is disconnected."),
  clientSecretsMax: count.default(1000).describe("Client secrets of one account that have not expired; more get 429."),
  clientSecretBytesMax: count
    .default(64 * 1024)
    .describe("Largest `session` that a client secret is made with, in bytes of JSON."),
});

export type RealtimeSettings = z.output<typeof realtimeSchema>;
