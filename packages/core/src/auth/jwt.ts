/**
 * JSON Web Tokens under a shared secret (HS256). The algorithm is fixed here and never taken from the token, which is
 * what makes `alg: none` and key confusion impossible (RFC 8725, section 3.1).
 */

import { SignJWT, errors, jwtVerify } from "jose";
import type { JWTPayload } from "jose";
import { AiError } from "../ai-error.ts";
import { encodeAd4mClaims } from "./ad4m-claims.ts";
import type { TokenIdentity } from "./ad4m-claims.ts";

const ALGORITHM = "HS256";

export interface JwtSettings {
  /** At least 32 bytes (RFC 7518, section 3.2). */
  readonly secret: string;
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
}

export type TokenVerifier = (token: string, nowMs: number) => Promise<VerifiedToken>;

const SECRET_BYTES_MIN = 32;

/**
 * @throws Error when the secret is shorter than 32 bytes: such a server must not start.
 */
export function createTokenVerifier(settings: JwtSettings): TokenVerifier {
  const key = new TextEncoder().encode(settings.secret);
  if (key.length < SECRET_BYTES_MIN) {
    throw new Error(`The JWT secret has ${key.length} bytes; HS256 needs at least ${SECRET_BYTES_MIN}.`);
  }
  const expected = {
    algorithms: [ALGORITHM],
    requiredClaims: ["exp"],
    clockTolerance: settings.clockToleranceSeconds,
    ...(settings.issuer === null ? {} : { issuer: settings.issuer }),
    ...(settings.audience === null ? {} : { audience: settings.audience }),
  };
  const toleranceMs = settings.clockToleranceSeconds * 1000;
  return async (token, nowMs) => {
    try {
      const { payload } = await jwtVerify(token, key, { ...expected, currentDate: new Date(nowMs) });
      return {
        claims: payload,
        notBeforeMs: payload.nbf === undefined ? Number.NEGATIVE_INFINITY : payload.nbf * 1000 - toleranceMs,
        expiresAtMs: (payload.exp ?? 0) * 1000 + toleranceMs,
      };
    } catch (thrown) {
      throw mapVerificationError(thrown);
    }
  };
}

function mapVerificationError(thrown: unknown): AiError {
  if (thrown instanceof errors.JWTExpired) {
    return new AiError("invalid_credentials", "The token has expired. Get a new one and try again.", { cause: thrown });
  }
  return new AiError("invalid_credentials", "Incorrect API key provided.", { cause: thrown });
}

export interface MintTokenOptions extends TokenIdentity {
  readonly settings: JwtSettings;
  /** Seconds from now until `exp`; negative makes a token that has expired already, for tests of a server. */
  readonly expiresInSeconds: number;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly nowMs?: number;
}

/** Signs a token that `createTokenVerifier` with the same settings accepts until it expires. */
export async function mintToken(options: MintTokenOptions): Promise<string> {
  const { settings } = options;
  const nowSeconds = Math.floor((options.nowMs ?? Date.now()) / 1000);
  const token = new SignJWT({ ...encodeAd4mClaims(options), nonce: crypto.randomUUID() })
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + options.expiresInSeconds);
  if (settings.issuer !== null) token.setIssuer(settings.issuer);
  if (settings.audience !== null) token.setAudience(settings.audience);
  return token.sign(new TextEncoder().encode(settings.secret));
}
