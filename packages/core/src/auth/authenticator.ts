/**
 * Token to principal. One door for API keys and JWTs; whatever is wrong with a credential, the answer says the same, so
 * that it does not disclose whether an account or a key exists.
 */

import { AiError } from "../ai-error.ts";
import type { ApiKeyStore } from "../store/api-key-store.ts";
import type { ClientSecretStore } from "../store/client-secret-store.ts";
import type { TokenRevocationStore } from "../store/token-revocation-store.ts";
import { decodeAd4mClaims } from "./ad4m-claims.ts";
import { hashApiKey, isApiKey } from "./api-key.ts";
import { CLIENT_SECRET_CAPABILITIES, hashClientSecret, isClientSecret } from "./client-secret.ts";
import { createTokenVerifier } from "./jwt.ts";
import type { JwtSettings } from "./jwt.ts";
import { createKeySet } from "./key-set.ts";
import type { KeySet } from "./key-set.ts";
import type { Principal } from "../principal.ts";
import { refuseCredential } from "./refuse-credential.ts";
import { fingerprintToken } from "./token-fingerprint.ts";
import { TOKEN_LENGTH_MAX } from "./token-limits.ts";
import { createVerifiedTokenCache } from "./verified-token-cache.ts";
import type { RememberedToken } from "./verified-token-cache.ts";

export interface Authenticator {
  /**
   * @param token what followed `Bearer`, or null when the request carried no credential.
   * @throws AiError `missing_credentials`, `invalid_credentials`; `identity_unavailable` when a token's issuer can't be
   *   asked for its keys.
   */
  authenticate(token: string | null): Promise<Principal>;
  /**
   * For a session, which outlives the call that opens it. Client secrets are accepted here alone.
   *
   * @throws AiError as `authenticate`
   */
  openSession(token: string | null): Promise<SessionCredential>;
}

export interface SessionCredential {
  readonly principal: Principal;
  /** What the maker of a client secret wants its sessions to begin with, as JSON; null for any other credential. */
  readonly configuration: string | null;
  /**
   * Looks again. A client secret may have expired meanwhile: then no session begins with it, but those that have begun
   * go on for as long as what it was made with is good.
   *
   * @throws AiError as `authenticate`
   */
  renew(): Promise<Principal>;
}

export interface AuthenticatorOptions {
  readonly apiKeys: ApiKeyStore;
  readonly tokenRevocations: TokenRevocationStore;
  /** Default: no client secret is accepted. */
  readonly clientSecrets?: ClientSecretStore;
  /** Null when no JWTs are accepted. */
  readonly jwt: JwtSettings | null;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
  /** How many verified tokens are remembered. Default 10,000. */
  readonly verifiedTokensMax?: number;
  /** Called each time the issuer's keys can't be fetched; calls may continue with the old ones. */
  readonly onKeySetFailure?: (error: Error) => void;
}

/** @throws Error when the JWT secret is too short. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const now = options.now ?? Date.now;
  const authenticateJwt = createJwtAuthentication(options, now);

  /**
   * Every key costs the same: one hash, one look-up by hash, one judgement. Neither the look-up nor a comparison in the
   * store has to be constant in time, because what is compared is SHA-256 of the caller's text, which can't be steered
   * towards a stored one; and only the holder of all 256 bits of a key can distinguish a revoked one from an unknown
   * one.
   */
  async function authenticateApiKey(token: string): Promise<Principal> {
    const record = await ask(options.apiKeys.findBySecretSha256(hashApiKey(token)));
    const isInForce =
      record !== null && record.revokedAtMs === null && now() < (record.expiresAtMs ?? Number.POSITIVE_INFINITY);
    if (!isInForce) throw refuseCredential();
    const { accountId, capabilities, expiresAtMs, secretSha256: credentialSha256 } = record;
    return { accountId, appName: null, capabilities, credential: "api-key", credentialSha256, expiresAtMs };
  }

  async function authenticate(token: string | null): Promise<Principal> {
    if (token === null || token === "") {
      throw new AiError(
        "missing_credentials",
        "You didn't provide an API key. Send it in the header `Authorization: Bearer YOUR_KEY`.",
      );
    }
    if (token.length > TOKEN_LENGTH_MAX || isClientSecret(token)) throw refuseCredential();
    return isApiKey(token) ? authenticateApiKey(token) : authenticateJwt(token);
  }

  return {
    authenticate,
    async openSession(token) {
      if (token !== null && isClientSecret(token)) return openWithClientSecret(token, { ...options, now });
      return { principal: await authenticate(token), configuration: null, renew: () => authenticate(token) };
    },
  };
}

interface ClientSecretParts extends Pick<AuthenticatorOptions, "apiKeys" | "tokenRevocations" | "clientSecrets"> {
  readonly now: () => number;
}

/** The secret itself is asked for once: it says when sessions may begin. What it was made with also ends them. */
async function openWithClientSecret(token: string, parts: ClientSecretParts): Promise<SessionCredential> {
  const { apiKeys, tokenRevocations, clientSecrets, now } = parts;
  if (clientSecrets === undefined) throw refuseCredential();
  const record = await ask(clientSecrets.findBySecretSha256(hashClientSecret(token)));
  if (record === null || now() >= record.expiresAtMs) throw refuseCredential();
  const { maker, accountId, configuration } = record;
  const principal: Principal = {
    accountId,
    appName: null,
    capabilities: CLIENT_SECRET_CAPABILITIES,
    credential: "client-secret",
    credentialSha256: maker.credentialSha256,
    expiresAtMs: maker.expiresAtMs,
  };
  async function isMakerRevoked(): Promise<boolean> {
    if (maker.credential === "jwt") return ask(tokenRevocations.isRevoked(maker.credentialSha256));
    const key = await ask(apiKeys.findBySecretSha256(maker.credentialSha256));
    return key === null || key.revokedAtMs !== null;
  }
  async function renew(): Promise<Principal> {
    const isExpired = now() >= (maker.expiresAtMs ?? Number.POSITIVE_INFINITY);
    if (isExpired || (await isMakerRevoked())) throw refuseCredential();
    return principal;
  }
  return { principal: await renew(), configuration, renew };
}

/** No account is looked up to validate a token, so its timing discloses no account. */
function createJwtAuthentication(
  options: AuthenticatorOptions,
  now: () => number,
): (token: string) => Promise<Principal> {
  const { jwt, tokenRevocations } = options;
  if (jwt === null) return () => Promise.reject(refuseCredential());
  const keySet: KeySet | null =
    jwt.keySet === undefined
      ? null
      : createKeySet({ settings: jwt.keySet, now, onFailure: options.onKeySetFailure ?? (() => {}) });
  const verify = createTokenVerifier({ settings: jwt, keySet, now });
  const cache = createVerifiedTokenCache(options.verifiedTokensMax ?? VERIFIED_TOKENS_MAX);

  async function verifyAndRemember(token: string): Promise<RememberedToken> {
    const { claims, ...validity } = await verify(token);
    const identity = decodeAd4mClaims(claims);
    if (identity === null) throw refuseCredential();
    const credentialSha256 = fingerprintToken(token);
    const entry: RememberedToken = {
      ...validity,
      principal: { ...identity, credential: "jwt", credentialSha256, expiresAtMs: validity.expiresAtMs },
    };
    cache.set(token, entry);
    return entry;
  }

  return async (token) => {
    const usable = { nowMs: now(), keySetRevision: keySet?.usableRevision() ?? null };
    const known = cache.get(token, usable) ?? (await verifyAndRemember(token));
    if (await ask(tokenRevocations.isRevoked(known.principal.credentialSha256))) throw refuseCredential();
    return known.principal;
  };
}

/** A store that fails says nothing of the credential: the caller may come again with it. */
function ask<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return answer.catch((cause: unknown) => {
    const message = "Credentials can't be checked at the moment. Please try again.";
    throw new AiError("identity_unavailable", message, { cause, retryAfterMs: 1000 });
  });
}

const VERIFIED_TOKENS_MAX = 10_000;
