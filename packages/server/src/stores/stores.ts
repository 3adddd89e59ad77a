/** What one kind of store opens: everything that the server remembers, on one connection and with one end. */

import type { ApiKeyStore, CreditStore, RateLimitStore, TokenRevocationStore } from "@openai-compat/core";

export interface Stores {
  readonly apiKeys: ApiKeyStore;
  readonly credits: CreditStore;
  readonly tokenRevocations: TokenRevocationStore;
  /** Of this process alone, unless the store is one that several processes share. */
  readonly rateLimits: RateLimitStore;
  /** Lets what was asked for before end, then gives the connection back; so does the `close` of each store. Again, it does nothing. */
  close(): Promise<void>;
}
