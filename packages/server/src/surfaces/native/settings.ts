/** What bounds the native surface. */

import { z } from "zod";
import { managedModelSettings } from "../../models/model-settings.ts";
import { count, milliseconds } from "../../settings/units.ts";
import { nativeSocketSchema } from "./socket/settings.ts";

export const nativeSchema = z.strictObject({
  ...nativeSocketSchema.shape,
  ...managedModelSettings,
  batchCallsMax: count.default(10).describe("Calls in one batch of the native surface; a larger batch gets 400."),
  speechBytesMax: count
    .default(32 * 1024 * 1024)
    .describe("Largest audio that `speak` answers with in one piece, in bytes; `speakStream` sends larger ones."),
  tasksMax: count.max(100_000).default(100).describe("Tasks of an account; adding one more gets 409."),
  resumeMs: milliseconds
    .default(5000)
    .describe(
      "How long a prompt or a speech goes on without its client when a subscription has lost its connection; a client that " +
        "is back by then goes on behind the last event that it has. One that has ended is kept for as long.",
    ),
  runBytesMax: count
    .default(1024 * 1024)
    .describe(
      "Events of one subscription that are kept for a client that comes back, in bytes, those that wait for it included; " +
        "half of it may wait.",
    ),
  runsBytesMax: count
    .default(128 * 1024 * 1024)
    .describe(
      "The same of all subscriptions, in bytes; those that have ended are forgotten beyond it, the oldest first.",
    ),
  accountTranscriptionsMax: count
    .default(16)
    .describe("Live transcriptions of one account at the same time; more get 429. All together: realtime.sessionsMax."),
  accountRunsMax: count
    .default(32)
    .describe("Subscriptions of one account that run at the same time and can be resumed; more get 429."),
});

export type NativeSettings = z.output<typeof nativeSchema>;
