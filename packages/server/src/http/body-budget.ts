/**
 * Memory for request bodies, shared by all of them: each is bounded by itself, and so are all together, however many
 * clients send at the same time.
 */

import { AiError } from "@openai-compat/core";

export interface BodyShare {
  /** @throws AiError `queue_full` when all bodies together would take more than there is. */
  take(bytes: number): void;
  /** Gives back all that was taken. */
  release(): void;
}

export interface BodyBudget {
  /** For one request. */
  open(): BodyShare;
}

const RETRY_AFTER_MS = 1000;

export function createBodyBudget(bytesMax: number): BodyBudget {
  let taken = 0;
  return {
    open() {
      let share = 0;
      return {
        take(bytes) {
          if (taken + bytes > bytesMax) {
            const message = "The server is reading too many large requests at the moment. Please try again later.";
            throw new AiError("queue_full", message, { retryAfterMs: RETRY_AFTER_MS });
          }
          taken += bytes;
          share += bytes;
        },
        release() {
          taken -= share;
          share = 0;
        },
      };
    },
  };
}
