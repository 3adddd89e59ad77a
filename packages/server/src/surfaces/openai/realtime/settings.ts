/** What bounds the realtime sessions of a server. */

import { z } from "zod";
import { count, milliseconds } from "../../../settings/units.ts";

/** 15 MiB of audio, as much as OpenAI takes in one event, in base64, and some room for the JSON around it. */
const MESSAGE_BYTES_MAX = 20 * 1024 * 1024 + 64 * 1024;

export const realtimeSchema = z.strictObject({
  sessionsMax: count
    .default(200)
    .describe(
      "Realtime sessions at the same time; more get 429. As many WebSockets for responses may be open beside them, within the same limits of time and size.",
    ),
  accountSessionsMax: count.default(32).describe("Realtime sessions of one account at the same time; more get 429."),
  openTimeMsMax: milliseconds
    .default(10_000)
    .describe("How long a session may take to open, its authentication included; then it gets 503."),
  sessionMsMax: milliseconds
    .default(3_600_000)
    .describe("How long a session may last, in ms; an `error` event comes before the close."),
  idleMsMax: milliseconds.default(600_000).describe("How long a session may go without an event of its client."),
  bufferMsMax: milliseconds
    .default(30_000)
    .describe("Audio of a session that waits to be listened to, in ms; while there is more, nothing of it is read."),
  turnMsMax: milliseconds
    .default(600_000)
    .describe(
      "Audio of one turn, in ms: a turn of voice detection is cut there, a buffer of the client takes no more.",
    ),
  holdMs: milliseconds
    .default(30_000)
    .describe(
      "Audio that a turn holds credits for at a time, in ms; as much again is held before more is listened to.",
    ),
  credentialCheckMs: milliseconds
    .default(30_000)
    .describe("How often the credential of a session is looked at, beside each of its turns."),
  messageBytesMax: count
    .default(MESSAGE_BYTES_MAX)
    .describe(
      "Largest message of a client, in bytes; a larger one closes its connection with code 1009. Messages count in " +
        "limits.bodiesBytesMax and limits.accountBodiesBytesMax; what has no room there is closed with code 1013.",
    ),
  sessionBytesMax: count
    .default(64 * 1024)
    .describe("Largest `session.update`, and the largest `session` of a client secret, in bytes of JSON."),
  clientSecretsMax: count.default(1000).describe("Client secrets of one account that have not expired; more get 429."),
  sendBytesMax: count
    .default(1024 * 1024)
    .describe("What may wait for a client to read it, in bytes; then its connection is closed with code 1013."),
  pingMs: milliseconds
    .default(20_000)
    .describe("How often a client is sent a ping; one that has not answered by the next is disconnected."),
});

export type RealtimeSettings = z.output<typeof realtimeSchema>;
