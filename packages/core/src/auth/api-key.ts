/** API keys: how a secret is made, recognised and looked up. The secret is shown once and only its hash is kept. */

import { hash, randomBytes } from "node:crypto";
import type { ApiKeyRecord } from "../store/api-key-store.ts";
import type { GrantedCapability } from "../principal.ts";

const PREFIX = "sk-";
const SECRET_BYTES = 32;

export interface GenerateApiKeyOptions {
  readonly accountId: string;
  /** For people, to distinguish keys. */
  readonly name: string;
  readonly capabilities: readonly GrantedCapability[];
  /** Null for a key that does not expire. */
  readonly expiresAtMs: number | null;
  readonly nowMs: number;
}

/** Whether a token has the format of an API key; everything else is taken for a JWT. */
export function isApiKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Lower-case hex SHA-256. A fast hash is enough: the secret has 256 random bits, so there is nothing to guess. */
export function hashApiKey(secret: string): string {
  return hash("sha256", secret, "hex");
}

/** A new key: the secret for its holder, the record for the store. */
export function generateApiKey(options: GenerateApiKeyOptions): { secret: string; record: ApiKeyRecord } {
  const secret = PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
  const record: ApiKeyRecord = {
    id: `key_${randomBytes(12).toString("hex")}`,
    secretSha256: hashApiKey(secret),
    secretTail: secret.slice(-4),
    accountId: options.accountId,
    name: options.name,
    capabilities: options.capabilities,
    createdAtMs: options.nowMs,
    expiresAtMs: options.expiresAtMs,
    revokedAtMs: null,
  };
  return { secret, record };
}
