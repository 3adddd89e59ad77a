/** What `doctor` found out about one thing. A finding never holds a secret. */

export interface Finding {
  readonly about: string;
  /** `warn`: it works, though perhaps not as wanted. `fail`: the server would not start, or not do its work. */
  readonly status: "ok" | "warn" | "fail";
  /** What is the case and, unless it is ok, what to do. */
  readonly message: string;
}

/** https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORT = "HTTP clients refuse this port, because another protocol uses it; choose another one";

export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // What `fetch` throws says why in its cause alone.
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  return cause.message === "bad port" ? BLOCKED_PORT : cause.message;
}
