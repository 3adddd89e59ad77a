/** What was thrown, in words: anything can be. */

/** Its message, for people. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Where it was thrown too, for the log. */
export function describeStack(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** The message of its cause where it has one: what `fetch` throws says why there alone. */
export function describeReason(thrown: unknown): string {
  return describeThrown(thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown);
}
