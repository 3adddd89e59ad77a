/**
 * JSON Web Tokens: HS256 under a shared secret, RS256, ES256 and EdDSA under the keys of a key set. The algorithm's
 * family decides where the key comes from, and nothing else in the token does: a public key never serves as a secret,
 * `none` has no key at all, and `jku`, `x5u`, `jwk` and `x5c` are not read (RFC 8725, sections 3.1 and 3.10).
 */

import { SignJWT, decodeProtectedHeader, errors, jwtVerify } from "jose";
import type { CryptoKey, JWTPayload, JWTVerifyOptions } from "jose";
import { AiError } from "../ai-error.ts";
import { encodeAd4mClaims } from "./ad4m-claims.ts";
import type { TokenIdentity } from "./ad4m-claims.ts";
import type { KeySet, KeySetSettings } from "./key-set.ts";
import { refuseCredential } from "./refuse-credential.ts";

const SECRET_ALGORITHM = "HS256";
const KEY_SET_ALGORITHMS: readonly string[] = ["RS256", "ES256", "EdDSA"];

export interface JwtSettings {
  /** Of HS256 tokens; at least 32 bytes (RFC 7518, section 3.2). */
  readonly secret: string;
  /** Where the keys of RS256, ES256 and EdDSA tokens are. Default: such tokens are refused. */
  readonly keySet?: KeySetSettings;
  /** Required value of `iss`; null accepts any. */
  readonly issuer: string | null;
  /** Required value of `aud`; null accepts any. */
  readonly audience: string | null;
  /** How far clocks may differ when `exp` and `nbf` are judged. */
  readonly clockToleranceSeconds: number;
}

export interface VerifiedToken {
  readonly claims: JWTPayload;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  /** Of the key set that held the key; null when the secret signed. */
  readonly keySetRevision: number | null;
}

/** @throws AiError `invalid_credentials`, `identity_unavailable` */
export type TokenVerifier = (token: string) => Promise<VerifiedToken>;

export interface TokenVerifierOptions {
  readonly settings: JwtSettings;
  /** Null when only HS256 is accepted. */
  readonly keySet: KeySet | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const SECRET_BYTES_MIN = 32;

interface VerificationKey {
  readonly algorithm: string;
  readonly key: CryptoKey | Uint8Array;
  readonly revision: number | null;
}

/** @throws Error when the secret is shorter than 32 bytes: such a server must not start. */
export function createTokenVerifier({ settings, keySet, now }: TokenVerifierOptions): TokenVerifier {
  const secret = new TextEncoder().encode(settings.secret);
  if (secret.length < SECRET_BYTES_MIN) {
    throw new Error(`The JWT secret has ${secret.length} bytes; HS256 needs at least ${SECRET_BYTES_MIN}.`);
  }
  const expected: JWTVerifyOptions = {
    requiredClaims: ["exp"],
    clockTolerance: settings.clockToleranceSeconds,
    ...(settings.issuer === null ? {} : { issuer: settings.issuer }),
    ...(settings.audience === null ? {} : { audience: settings.audience }),
  };
  const toleranceMs = settings.clockToleranceSeconds * 1000;

  async function resolveKey(token: string): Promise<VerificationKey> {
    const header = decodeProtectedHeader(token);
    // No extension is understood here, so one that must be understood is refused (RFC 7515, section 4.1.11).
    if (header.crit !== undefined) throw refuseCredential();
    const algorithm = header.alg;
    if (algorithm === SECRET_ALGORITHM) return { algorithm, key: secret, revision: null };
    if (keySet === null || algorithm === undefined || !KEY_SET_ALGORITHMS.includes(algorithm)) throw refuseCredential();
    const resolved = await keySet.resolveKey({ ...header, alg: algorithm });
    if (resolved === null) throw refuseCredential();
    return { algorithm, ...resolved };
  }

  return async (token) => {
    if (!isCanonical(token)) throw refuseCredential();
    try {
      const { algorithm, key, revision } = await resolveKey(token);
      // The time is taken here: a key may have been long in coming.
      const options = { ...expected, algorithms: [algorithm], currentDate: new Date(now()) };
      const { payload } = await jwtVerify(token, key, options);
      return {
        claims: payload,
        notBeforeMs: payload.nbf === undefined ? Number.NEGATIVE_INFINITY : payload.nbf * 1000 - toleranceMs,
        expiresAtMs: (payload.exp ?? 0) * 1000 + toleranceMs,
        keySetRevision: revision,
      };
    } catch (thrown) {
      throw mapVerificationError(thrown);
    }
  };
}

/**
 * A token has one encoding: three parts of unpadded base64url (RFC 7515, section 2) whose spare bits are zero (RFC
 * 4648, section 3.5). What decodes to the same bytes in another encoding is refused, so nothing that looks at tokens as
 * texts can be passed by with a second one.
 */
function isCanonical(token: string): boolean {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => Buffer.from(part, "base64url").toString("base64url") === part);
}

function mapVerificationError(thrown: unknown): AiError {
  if (thrown instanceof AiError) return thrown;
  // Claims are validated after the signature: this error is only for the holder of a genuine token.
  if (thrown instanceof errors.JWTExpired) {
    return new AiError("invalid_credentials", "The token has expired. Get a new one and try again.", { cause: thrown });
  }
  return refuseCredential(thrown);
}

export interface MintTokenOptions extends TokenIdentity {
  readonly settings: JwtSettings;
  /** Seconds from now until `exp`; negative makes a token that has expired already, for tests of a server. */
  readonly expiresInSeconds: number;
  /** Seconds from now until `nbf`. Default: the token has none. */
  readonly notBeforeInSeconds?: number;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly nowMs?: number;
}

/** Signs a token with the secret; `createTokenVerifier` with the same settings accepts it until it expires. */
export async function mintToken(options: MintTokenOptions): Promise<string> {
  const { settings } = options;
  const nowSeconds = Math.floor((options.nowMs ?? Date.now()) / 1000);
  const token = new SignJWT({ ...encodeAd4mClaims(options), nonce: crypto.randomUUID() })
    .setProtectedHeader({ alg: SECRET_ALGORITHM, typ: "JWT" })
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + options.expiresInSeconds);
  if (options.notBeforeInSeconds !== undefined) token.setNotBefore(nowSeconds + options.notBeforeInSeconds);
  if (settings.issuer !== null) token.setIssuer(settings.issuer);
  if (settings.audience !== null) token.setAudience(settings.audience);
  return token.sign(new TextEncoder().encode(settings.secret));
}
