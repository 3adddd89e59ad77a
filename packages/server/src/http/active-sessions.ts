/** The open sessions: asks them to end when the server stops, and reports when all have ended. */

import type { AiError } from "@openai-compat/core";

export interface ActiveSession {
  /** Takes nothing more; what runs may end. Called once at most. */
  readonly end: (reason: AiError) => void;
  /** Ends what runs; its client still learns why. */
  readonly abort: (reason: AiError) => void;
  /** Cuts its connection. */
  readonly terminate: () => void;
}

export interface ActiveSessions {
  readonly count: number;
  /** Where the server stops already, the session is asked to end at once. @returns a function to call at its end. */
  add(session: ActiveSession): () => void;
  /** Asks all sessions to end, and those that are still added. */
  end(reason: AiError): void;
  abort(reason: AiError): void;
  terminate(): void;
  /** Resolves when no session is open, or after `timeoutMs`. */
  untilNone(timeoutMs: number): Promise<void>;
}

export function createActiveSessions(): ActiveSessions {
  const active = new Set<ActiveSession>();
  let ending: AiError | null = null;
  let onNone = () => {};
  return {
    get count() {
      return active.size;
    },
    add(session) {
      active.add(session);
      if (ending !== null) session.end(ending);
      return () => {
        active.delete(session);
        if (active.size === 0) onNone();
      };
    },
    end(reason) {
      ending = reason;
      for (const session of active) session.end(reason);
    },
    abort(reason) {
      for (const session of active) session.abort(reason);
    },
    terminate() {
      for (const session of active) session.terminate();
    },
    async untilNone(timeoutMs) {
      if (active.size === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        onNone = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
