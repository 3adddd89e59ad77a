/** A row of the client secrets as a database gives it, which is the same in all of them. */

import type { ClientSecretRecord } from "@openai-compat/core";
import { z } from "zod";

const rowSchema = z.object({
  secret_sha256: z.string(),
  account_id: z.string(),
  configuration: z.string().nullable(),
  maker_credential: z.enum(["jwt", "api-key"]),
  maker_sha256: z.string(),
  maker_expires_at_ms: z.number().nullable(),
  created_at_ms: z.number(),
  expires_at_ms: z.number(),
});

/** In the order of the columns. */
export function encodeClientSecretRow(record: ClientSecretRecord): readonly (string | number | null)[] {
  const { secretSha256, accountId, configuration, maker, createdAtMs, expiresAtMs } = record;
  const { credential, credentialSha256, expiresAtMs: makerExpiresAtMs } = maker;
  return [
    secretSha256,
    accountId,
    configuration,
    credential,
    credentialSha256,
    makerExpiresAtMs,
    createdAtMs,
    expiresAtMs,
  ];
}

/** @throws Error when something other than this program wrote the row. */
export function decodeClientSecretRow(row: Readonly<Record<string, unknown>>): ClientSecretRecord {
  const secret = rowSchema.parse(row);
  return {
    secretSha256: secret.secret_sha256,
    accountId: secret.account_id,
    configuration: secret.configuration,
    maker: {
      credential: secret.maker_credential,
      credentialSha256: secret.maker_sha256,
      expiresAtMs: secret.maker_expires_at_ms,
    },
    createdAtMs: secret.created_at_ms,
    expiresAtMs: secret.expires_at_ms,
  };
}
