/**
 * Which tokens were revoked before their time. It never sees a token: `fingerprintToken` in `auth/token-fingerprint.ts`
 * makes the hash. Asked on every call that a token authenticates, so `isRevoked` is one look-up by key.
 */

export interface TokenRevocationStore {
  /**
   * Refuses a token from now on, in every process on this store. Revoking twice keeps the later expiry.
   *
   * @param tokenSha256 lower-case hex, 64 characters.
   * @param expiresAtMs from when on no clock accepts the token anyway, in whole milliseconds since the epoch; from then
   *   on `prune` may forget the entry.
   */
  revoke(tokenSha256: string, expiresAtMs: number): Promise<void>;
  /** True until the entry is pruned, whether or not it has expired. */
  isRevoked(tokenSha256: string): Promise<boolean>;
  /** Forgets the entries whose `expiresAtMs` is at or before `nowMs`. @returns how many. */
  prune(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
