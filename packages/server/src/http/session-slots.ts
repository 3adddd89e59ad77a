/** How many connections that last there may be of a kind: in all, and of one account. */

import { AiError } from "@openai-compat/core";

export interface SessionSlotLimits {
  readonly sessionsMax: number;
  readonly accountSessionsMax: number;
  /** What they are to their clients, in the plural: `realtime sessions`. */
  readonly noun: string;
}

export interface SessionSlots {
  /**
   * @returns a function that gives the slot back; again, it does nothing.
   * @throws AiError `queue_full`
   */
  take(accountId: string): () => void;
}

const RETRY_AFTER_MS = 10_000;

export function createSessionSlots({ sessionsMax, accountSessionsMax, noun }: SessionSlotLimits): SessionSlots {
  const accounts = new Map<string, number>();
  let taken = 0;
  return {
    take(accountId) {
      const own = accounts.get(accountId) ?? 0;
      if (own >= accountSessionsMax) throw full(`Your account has as many ${noun} (${own})`);
      if (taken >= sessionsMax) throw full(`The server has as many ${noun}`);
      accounts.set(accountId, own + 1);
      taken += 1;
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        taken -= 1;
        const left = (accounts.get(accountId) ?? 1) - 1;
        if (left === 0) accounts.delete(accountId);
        else accounts.set(accountId, left);
      };
    },
  };
}

function full(who: string): AiError {
  const message = `${who} as it may have at the same time. Close one, or try again later.`;
  return new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
}
