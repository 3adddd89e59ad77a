/** Tokens for servers that a benchmark starts and whose secret it knows. */

import { mintToken } from "@openai-compat/core";

/** Longer than any run. */
const LIFETIME_SECONDS = 86_400;

/** @returns a token with every capability in `ai` */
export function mintBenchToken(secret: string, accountId: string): Promise<string> {
  return mintToken({
    settings: { secret, issuer: null, audience: null, clockToleranceSeconds: 0 },
    accountId,
    appName: "bench",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
    expiresInSeconds: LIFETIME_SECONDS,
  });
}
