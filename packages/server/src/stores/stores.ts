/** What one kind of store opens: everything that the server remembers, on one connection and with one end. */

import type {
  ApiKeyStore,
  ClientSecretStore,
  CreditStore,
  ModelStore,
  RateLimitStore,
  ResponseRunStore,
  ResponseStore,
  TaskStore,
  TokenRevocationStore,
} from "@openai-compat/core";

export interface Stores {
  readonly apiKeys: ApiKeyStore;
  readonly credits: CreditStore;
  readonly clientSecrets: ClientSecretStore;
  readonly tokenRevocations: TokenRevocationStore;
  readonly models: ModelStore;
  readonly tasks: TaskStore;
  readonly responses: ResponseStore;
  readonly responseRuns: ResponseRunStore;
  /** Of this process alone, unless the store is one that several processes share. */
  readonly rateLimits: RateLimitStore;
  /**
   * Writes one small row of its own and commits it.
   *
   * @throws Error when nothing can be written, so no call could be paid for.
   */
  probeWrite(): Promise<void>;
  /**
   * Lets what was asked for before end, then gives the connection back; so does the `close` of each store. Again, it
   * does nothing.
   */
  close(): Promise<void>;
}
