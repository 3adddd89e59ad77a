/**
 * Client secrets: short-lived tokens that a web page opens realtime sessions with, so that it never holds an API key. A
 * secret is shown once and only its hash is kept. It is good for as long as the credential that it was made with.
 *
 * @see https://platform.openai.com/docs/api-reference/realtime-sessions/create-realtime-client-secret
 */

import { hash, randomBytes } from "node:crypto";
import { AiError } from "../ai-error.ts";
import type { GrantedCapability, Principal } from "../principal.ts";
import type { ClientSecretRecord } from "../store/client-secret-store.ts";

/** The official SDK lets pages use a key that begins so. */
const PREFIX = "ek_";
const SECRET_BYTES = 32;

/** What every client secret grants, whatever its maker may do: sessions that transcribe. */
export const CLIENT_SECRET_CAPABILITIES: readonly GrantedCapability[] = [
  { domain: "ai", pointers: ["*"], can: ["TRANSCRIBE"] },
];

export function isClientSecret(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Lower-case hex SHA-256; see `hashApiKey` for why a fast hash is enough. */
export function hashClientSecret(secret: string): string {
  return hash("sha256", secret, "hex");
}

export interface GenerateClientSecretOptions {
  /** Who makes it. */
  readonly principal: Principal;
  /** What its sessions begin with, as JSON; null for the defaults. */
  readonly configuration: string | null;
  readonly lifetimeMs: number;
  readonly nowMs: number;
}

/**
 * A new client secret: the secret for the page, the record for the store. It expires no later than its maker's
 * credential.
 *
 * @throws AiError `invalid_credentials` for a principal that is a client secret itself
 */
export function generateClientSecret(options: GenerateClientSecretOptions): {
  secret: string;
  record: ClientSecretRecord;
} {
  const { principal, configuration, lifetimeMs, nowMs } = options;
  const { accountId, credential, credentialSha256, expiresAtMs } = principal;
  if (credential === "client-secret") {
    throw new AiError("invalid_credentials", "A client secret opens sessions alone: it can't make others.");
  }
  const secret = PREFIX + randomBytes(SECRET_BYTES).toString("base64url");
  const record: ClientSecretRecord = {
    secretSha256: hashClientSecret(secret),
    accountId,
    configuration,
    maker: { credential, credentialSha256, expiresAtMs },
    createdAtMs: nowMs,
    expiresAtMs: Math.min(nowMs + lifetimeMs, expiresAtMs ?? Number.POSITIVE_INFINITY),
  };
  return { secret, record };
}
