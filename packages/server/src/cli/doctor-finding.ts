/** What `doctor` found out about one thing. A finding never holds a secret. */

export interface Finding {
  readonly about: string;
  /** `warn`: it works, though perhaps not as intended. `fail`: the server would not start, or not do its work. */
  readonly status: "ok" | "warn" | "fail";
  /** What is the case and, unless it is ok, what to do. */
  readonly message: string;
}

export interface TimedFinding extends Finding {
  /** How far the clock of the server that answered is ahead of this one's, in milliseconds. */
  readonly clockAheadMs?: number;
}
