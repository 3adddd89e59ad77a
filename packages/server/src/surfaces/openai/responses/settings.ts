/** What bounds the state that accounts keep: responses, conversations and stored chat completions. */

import { z } from "zod";
import { SECRET, settingMarks } from "../../../settings/marks.ts";
import { count, secretKey } from "../../../settings/units.ts";

const MEBIBYTE = 1024 * 1024;
/** A hundred years. */
const DAYS_MAX = 36_500;

export const responsesSchema = z.strictObject({
  accountBytesMax: count
    .min(16 * 1024)
    .default(64 * MEBIBYTE)
    .describe(
      "What one account may have stored, in bytes: responses, conversations and stored chat completions. Beyond it the " +
        "least recently used chains of responses, conversations and completions are deleted; a chain that would exceed " +
        "it alone is not stored any further.",
    ),
  retentionDays: count
    .max(DAYS_MAX)
    .default(30)
    .describe(
      "How many days a chain of responses, a conversation or a stored chat completion is kept after the last addition to it.",
    ),
  pageBytesMax: count
    .min(16 * 1024)
    .default(8 * MEBIBYTE)
    .describe(
      "What one page of a list of items, messages or stored chat completions may hold, in bytes as they are stored. A page with more ends " +
        "earlier and has `has_more: true`; one element is always in it.",
    ),
  backgroundLeaseSeconds: count
    .min(1)
    .default(60)
    .describe(
      "How many seconds a response with `background: true` counts as running after the server that runs it last said so. Then any server on the store marks it as failed.",
    ),
  backgroundRunsMax: count
    .min(1)
    .default(16)
    .describe("How many responses one account may have running in the background at the same time."),
  backgroundEventBytesMax: count
    .min(16 * 1024)
    .default(8 * MEBIBYTE)
    .describe("What is stored of the events of one response in the background, in bytes of JSON. Beyond it, it fails."),
  backgroundEventsMinutes: count
    .min(1)
    .default(10)
    .describe("How many minutes after its end the events of a response in the background can be streamed again."),
  compactionTokensMax: count
    .min(16)
    .default(1024)
    .describe(
      "The longest summary that `POST /v1/responses/compact` makes of a conversation, in tokens. Credits are held for so many.",
    ),
  secretKey: secretKey
    .describe(
      "Encrypts what accounts have stored, with AES-256-GCM: 32 bytes in base64. Null: it is in the store as it is. Of " +
        'no use with "store": "memory".',
    )
    .register(settingMarks, SECRET),
});

export type ResponseSettings = z.output<typeof responsesSchema>;
