/** What `doctor` found out about one thing. A finding never holds a secret. */

export interface Finding {
  readonly about: string;
  /** `warn`: it works, though perhaps not as wanted. `fail`: the server would not start, or not do its work. */
  readonly status: "ok" | "warn" | "fail";
  /** What is the case and, unless it is ok, what to do. */
  readonly message: string;
}

export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // What `fetch` throws says why in its cause alone.
  const { cause } = thrown;
  return cause instanceof Error ? cause.message : thrown.message;
}
