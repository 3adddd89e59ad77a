/** Where client secrets live until they expire. The secret itself is never stored: a store sees its SHA-256 alone. */

export interface ClientSecretRecord {
  /** Lower-case hex SHA-256 of the whole secret. */
  readonly secretSha256: string;
  readonly accountId: string;
  /** What its sessions begin with, as JSON; null for the defaults. */
  readonly configuration: string | null;
  /** The credential that it was made with: no session outlives it. */
  readonly maker: ClientSecretMaker;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** From when on no session begins with it; from then on `prune` may forget it. */
  readonly expiresAtMs: number;
}

export interface ClientSecretMaker {
  readonly credential: "jwt" | "api-key";
  /** What it is revoked by; see `Principal`. */
  readonly credentialSha256: string;
  readonly expiresAtMs: number | null;
}

export interface ClientSecretStore {
  /**
   * @param accountMax how many an account may have that expire after `record.createdAtMs`, this one included. What is
   *   made at the same time on several connections may exceed it by as many.
   * @returns false when it has as many already; then nothing is stored.
   * @throws Error when the hash is taken.
   */
  insert(record: ClientSecretRecord, accountMax: number): Promise<boolean>;
  /** The record, expired or not, until it is pruned: the authenticator judges it. */
  findBySecretSha256(secretSha256: string): Promise<ClientSecretRecord | null>;
  /** Forgets what expires at or before `nowMs`. @returns how many. */
  prune(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
