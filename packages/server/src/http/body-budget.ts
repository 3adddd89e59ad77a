/**
 * Memory for request bodies, shared by all of them: each is bounded by itself, so are those of an account, and so are
 * all together, however many clients send at the same time. Bytes count when they arrive and not when they are
 * announced.
 */

import { AiError } from "@openai-compat/core";

/** Sizes in bytes. */
export interface BodyBudgetLimits {
  /** All bodies together. */
  readonly bodiesBytesMax: number;
  /** Those of one account, whatever keys it uses. */
  readonly accountBodiesBytesMax: number;
  /** One body. An account has room for one of this size at least. */
  readonly bodyBytesMax: number;
  /** A body that is not larger is always read: it counts for nothing. How many there are the connections bound. */
  readonly smallBodyBytesMax: number;
}

export interface BodyShare {
  /**
   * Looks whether a body of an announced length would fit now. It takes nothing.
   *
   * @throws AiError `queue_full`
   */
  expect(bytes: number): void;
  /**
   * Counts bytes that have arrived.
   *
   * @throws AiError `queue_full` when there is no room for them; then they don't count.
   */
  take(bytes: number): void;
  /** How many have arrived. */
  bytes(): number;
  /** Gives back all that was taken. */
  release(): void;
}

export interface BodyBudget {
  /** For one request. */
  open(accountId: string): BodyShare;
}

const RETRY_AFTER_MS = 1000;

export function createBodyBudget(limits: BodyBudgetLimits): BodyBudget {
  const { bodiesBytesMax, smallBodyBytesMax } = limits;
  const accountBytesMax = Math.max(limits.accountBodiesBytesMax, limits.bodyBytesMax);
  const accounts = new Map<string, number>();
  let taken = 0;

  /**
   * No account may hold more than what remains for the next account, so there is always room for one more. A single
   * account may still send one of the largest bodies.
   */
  function requireRoom(accountId: string, bytes: number): void {
    const own = accounts.get(accountId) ?? 0;
    const others = taken - own;
    const requested = own + bytes;
    if (requested > accountBytesMax) throw noRoom("Your account is sending");
    const left = bodiesBytesMax - others - requested;
    const allowed = others === 0 ? Math.max(left, Math.min(limits.bodyBytesMax, bodiesBytesMax)) : left;
    if (requested > allowed) throw noRoom("The server is reading");
  }

  function add(accountId: string, bytes: number): void {
    taken += bytes;
    const own = (accounts.get(accountId) ?? 0) + bytes;
    if (own === 0) accounts.delete(accountId);
    else accounts.set(accountId, own);
  }

  return {
    open(accountId) {
      let arrived = 0;
      let counted = 0;
      return {
        // Not a getter: one is made for each call, and V8 takes twenty times as long for it.
        bytes: () => arrived,
        expect(bytes) {
          if (bytes > smallBodyBytesMax) requireRoom(accountId, bytes);
        },
        take(bytes) {
          const uncounted = arrived + bytes - counted;
          if (arrived + bytes > smallBodyBytesMax) {
            requireRoom(accountId, uncounted);
            add(accountId, uncounted);
            counted += uncounted;
          }
          arrived += bytes;
        },
        release() {
          if (counted > 0) add(accountId, -counted);
          counted = 0;
        },
      };
    },
  };
}

function noRoom(who: string): AiError {
  const message = `${who} too many large requests at the moment. Please try again later.`;
  return new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
}
