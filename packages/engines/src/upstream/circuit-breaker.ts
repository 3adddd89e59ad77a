/**
 * A circuit breaker for one base URL: it opens after a number of failures in a row, and after a time one call probes
 * whether the URL works again. It does not know what a call is.
 */

import type { UpstreamStatus } from "@openai-compat/core";

/** `unknown`: the call was aborted or its client disconnected, which says nothing about the upstream. */
export type CallOutcome = "good" | "broken" | "unknown";

export interface CircuitBreaker {
  state(): UpstreamStatus["state"];
  /** Milliseconds until a call is allowed; 0 when closed or half open. */
  waitMs(): number;
  /** Null while open, and while half open for all but the one call that probes. */
  enter(): CircuitPass | null;
}

/** The pass of one call. */
export interface CircuitPass {
  /** A successful answer has begun: this is enough for a probe. */
  markResponseStarted(): void;
  /** Call it exactly once. */
  end(outcome: CallOutcome): void;
}

export interface CircuitBreakerOptions {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  readonly openMs: number;
  /** Milliseconds, monotonic. */
  readonly now: () => number;
}

export function createCircuitBreaker({ failuresMax, openMs, now }: CircuitBreakerOptions): CircuitBreaker {
  let failures = 0;
  let openUntilMs: number | null = null;
  let probe: CircuitPass | null = null;

  function open(): void {
    openUntilMs = now() + openMs;
    probe = null;
  }

  function close(): void {
    failures = 0;
    openUntilMs = null;
    probe = null;
  }

  function createPass(): CircuitPass {
    const pass: CircuitPass = {
      markResponseStarted() {
        if (probe === pass) close();
      },
      end(outcome) {
        if (openUntilMs === null) {
          if (outcome === "good") failures = 0;
          if (outcome === "broken") failures += 1;
          if (failures >= failuresMax) open();
          return;
        }
        // Calls that began before it opened are outdated: only the probe's outcome counts.
        if (probe !== pass) return;
        probe = null;
        if (outcome === "good") close();
        if (outcome === "broken") open();
      },
    };
    return pass;
  }

  function waitMs(): number {
    return openUntilMs === null ? 0 : Math.max(0, openUntilMs - now());
  }

  return {
    state() {
      if (openUntilMs === null) return "closed";
      return waitMs() > 0 ? "open" : "half_open";
    },
    waitMs,
    enter() {
      if (openUntilMs === null) return createPass();
      if (waitMs() > 0 || probe !== null) return null;
      probe = createPass();
      return probe;
    },
  };
}
