/** The times that bound a session, and the examinations of its credential between its turns. */

import type { RealtimeLimits } from "./realtime-session.ts";

/** How long a session that has expired waits for its committed turns. */
const DRAIN_MS_MAX = 10_000;

export interface SessionTimers {
  noteActivity(): void;
  startDrain(onOver: () => void): void;
  stop(): void;
}

export interface SessionTimerCalls {
  readonly onExpire: () => void;
  readonly onIdle: () => void;
  readonly onCredentialDue: () => void;
}

export function createSessionTimers(limits: RealtimeLimits, calls: SessionTimerCalls): SessionTimers {
  const expiry = setTimeout(calls.onExpire, limits.sessionMsMax);
  const credential = setInterval(calls.onCredentialDue, limits.credentialCheckMs);
  const idle = setTimeout(calls.onIdle, limits.idleMsMax);
  let drain: NodeJS.Timeout | undefined;
  return {
    noteActivity: () => void idle.refresh(),
    startDrain(onOver) {
      clearTimeout(drain);
      drain = setTimeout(onOver, DRAIN_MS_MAX);
    },
    stop() {
      clearTimeout(expiry);
      clearInterval(credential);
      clearTimeout(idle);
      clearTimeout(drain);
    },
  };
}
