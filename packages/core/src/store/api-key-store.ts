/** Where API keys live. The secret itself is never stored: a store sees its SHA-256 alone. */

import type { GrantedCapability } from "../principal.ts";

export interface ApiKeyRecord {
  /** Public handle, `key_…`; safe to print. */
  readonly id: string;
  /** Lower-case hex SHA-256 of the whole secret. */
  readonly secretSha256: string;
  /** The last four characters of the secret, to distinguish keys in a list. */
  readonly secretTail: string;
  readonly accountId: string;
  readonly name: string;
  readonly capabilities: readonly GrantedCapability[];
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

export interface ApiKeyStore {
  /** @throws Error when the id or the hash is taken. */
  insert(record: ApiKeyRecord): Promise<void>;
  /** The record whatever its state: expiry and revocation are judged by the authenticator. */
  findBySecretSha256(secretSha256: string): Promise<ApiKeyRecord | null>;
  /** Newest first. */
  list(): Promise<readonly ApiKeyRecord[]>;
  /** Returns false when there is no such key; revoking twice keeps the first time. */
  revoke(id: string, revokedAtMs: number): Promise<boolean>;
  close(): Promise<void>;
}
