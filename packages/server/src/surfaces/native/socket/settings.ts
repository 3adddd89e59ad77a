/** What bounds the WebSockets of the native surface. */

import { z } from "zod";
import { count, milliseconds } from "../../../settings/units.ts";

export const nativeSocketSchema = z.strictObject({
  socketsMax: count.default(500).describe("Open WebSockets at `/trpc`; more get 429."),
  accountSocketsMax: count
    .default(32)
    .describe(
      "Open WebSockets at `/trpc` of one account; more get 429. As many of one address may wait for their credential.",
    ),
  socketCallsMax: count
    .default(64)
    .describe("Calls and subscriptions of one WebSocket that have not ended; more get the error `queue_full`."),
  openTimeMsMax: milliseconds
    .default(10_000)
    .describe("How long the first message may take to come, where it has the credential; then the socket is closed."),
  messageBytesMax: count
    .default(20 * 1024 * 1024)
    .describe(
      "Largest message of a client, in bytes; a larger one closes its connection with code 1009. Messages count in " +
        "limits.bodiesBytesMax and limits.accountBodiesBytesMax until their calls have ended.",
    ),
  sendBytesMax: count
    .default(16 * 1024 * 1024)
    .describe(
      "What may wait for a client to read it at its next ping, in bytes; then its connection is closed with code 1013.",
    ),
  pingMs: milliseconds
    .default(20_000)
    .describe("How often a client is sent a ping; one that has not answered by the next is disconnected."),
  credentialCheckMs: milliseconds
    .default(30_000)
    .describe("How often the credential of a WebSocket is looked at, beside each of its calls."),
});

export type NativeSocketSettings = z.output<typeof nativeSocketSchema>;
