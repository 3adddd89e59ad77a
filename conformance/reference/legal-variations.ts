/**
 * Generated faults that are none: the reviewed list of places where the document lets a server do so, or where nothing
 * that a client could see changes. A pattern is an id with `*` for any run of characters. Each entry says why; one that
 * matches nothing is an error.
 */

export interface Exclusion {
  readonly pattern: string;
  readonly reason: string;
}

/** Parameters that steer nothing which an answer has to show. */
const HINTS = [
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prompt_cache_options",
  "metadata",
  "store",
  "service_tier",
  "moderation",
  "verbosity",
  "reasoning_effort",
  "prediction",
] as const;

export const LEGAL_VARIATIONS: readonly Exclusion[] = [
  ...HINTS.flatMap((name) => [
    {
      pattern: `chat.*.parameter.${name}.ignored*`,
      reason: `\`${name}\` is for the server's books, or a hint: no answer has to show that it was read`,
    },
  ]),
  {
    pattern: "completions.*.parameter.user.ignored*",
    reason: "`user` is for the server's books: no answer has to show that it was read",
  },
  {
    pattern: "embeddings.body.parameter.user.ignored",
    reason: "`user` is for the server's books: no answer has to show that it was read",
  },
  { pattern: "*.refusal.field.error.message.value", reason: "the document gives no words for the message of an error" },
];
