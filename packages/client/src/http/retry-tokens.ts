/** How many retries all calls of a client may make in a row: a token bucket that successful calls refill. */

export interface RetryTokens {
  /** @returns whether there was a token to take. */
  take(): boolean;
  /** Called for each call that succeeded. */
  refill(): void;
}

export function createRetryTokens(options: {
  readonly tokensMax: number;
  readonly tokensPerSuccess: number;
}): RetryTokens {
  let tokens = options.tokensMax;
  return {
    take() {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    refill() {
      tokens = Math.min(options.tokensMax, tokens + options.tokensPerSuccess);
    },
  };
}
