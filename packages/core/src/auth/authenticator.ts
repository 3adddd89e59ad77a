/**
 * Token to principal. One door for API keys and JWTs; whatever is wrong with a credential, the answer says the same, so
 * that nobody learns from it whether an account or a key exists.
 */

import { AiError } from "../ai-error.ts";
import type { ApiKeyStore } from "../store/api-key-store.ts";
import { decodeAd4mClaims } from "./ad4m-claims.ts";
import { hashApiKey, isApiKey } from "./api-key.ts";
import { createTokenVerifier } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import type { Principal } from "./principal.ts";
import { createVerifiedTokenCache } from "./verified-token-cache.ts";

export interface Authenticator {
  /**
   * @param token what followed `Bearer`, or null when the request carried no credential.
   * @throws AiError `missing_credentials`, `invalid_credentials`
   */
  authenticate(token: string | null): Promise<Principal>;
}

export interface AuthenticatorOptions {
  readonly apiKeys: ApiKeyStore;
  /** Null when no JWTs are accepted. */
  readonly jwt: JwtSettings | null;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
  /** How many verified tokens are remembered. Default 10,000. */
  readonly verifiedTokensMax?: number;
}

/** Longer than any token that this service issues; hashing and parsing never see more. */
const TOKEN_LENGTH_MAX = 8192;

/** @throws Error when the JWT secret is too short. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const now = options.now ?? Date.now;
  const verify = options.jwt === null ? null : createTokenVerifier(options.jwt);
  const cache = createVerifiedTokenCache(options.verifiedTokensMax ?? 10_000);

  async function authenticateApiKey(token: string): Promise<Principal> {
    const record = await options.apiKeys.findBySecretSha256(hashApiKey(token));
    if (record === null || record.revokedAtMs !== null) throw refusal();
    if (record.expiresAtMs !== null && now() >= record.expiresAtMs) throw refusal();
    return { accountId: record.accountId, appName: null, capabilities: record.capabilities, credential: "api-key" };
  }

  async function authenticateJwt(token: string): Promise<Principal> {
    if (verify === null) throw refusal();
    const cached = cache.get(token, now());
    if (cached !== null) return cached;
    const verified = await verify(token, now());
    const identity = decodeAd4mClaims(verified.claims);
    if (identity === null) throw refusal();
    const principal: Principal = { ...identity, credential: "jwt" };
    cache.set(token, { principal, notBeforeMs: verified.notBeforeMs, expiresAtMs: verified.expiresAtMs });
    return principal;
  }

  return {
    async authenticate(token) {
      if (token === null || token === "") {
        throw new AiError(
          "missing_credentials",
          "You didn't provide an API key. Send it in the header `Authorization: Bearer YOUR_KEY`.",
        );
      }
      if (token.length > TOKEN_LENGTH_MAX) throw refusal();
      return isApiKey(token) ? authenticateApiKey(token) : authenticateJwt(token);
    },
  };
}

function refusal(): AiError {
  return new AiError("invalid_credentials", "Incorrect API key provided.");
}
