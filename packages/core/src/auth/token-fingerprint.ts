/** The hash by which a token is revoked. It judges nothing: whether the token is genuine is not its question. */

import { hash } from "node:crypto";
import { decodeJwt } from "jose";
import { CLOCK_TOLERANCE_SECONDS_MAX, TOKEN_LENGTH_MAX } from "./token-limits.ts";

/**
 * Lower-case hex SHA-256 of the signed part, `header.payload`. The signature stays out: an ECDSA signature has a twin
 * and base64url has spare bits, so the holder of a revoked token could rewrite it without making it invalid.
 */
export function fingerprintToken(token: string): string {
  return hash("sha256", token.slice(0, Math.max(token.lastIndexOf("."), 0)), "hex");
}

export interface TokenRevocation {
  readonly tokenSha256: string;
  /** When no server accepts the token any more, however far its clock may be set to tolerate. */
  readonly expiresAtMs: number;
}

/**
 * The fields of a token that a revocation store gets.
 *
 * @returns null for what is no JWT or has no `exp`: no server accepts it.
 */
export function describeRevocation(token: string): TokenRevocation | null {
  if (token.length > TOKEN_LENGTH_MAX) return null;
  const exp = readExpiry(token);
  if (exp === null) return null;
  const expiresAtMs = Math.ceil((exp + CLOCK_TOLERANCE_SECONDS_MAX) * 1000);
  return {
    tokenSha256: fingerprintToken(token),
    expiresAtMs: Math.min(Math.max(expiresAtMs, 0), Number.MAX_SAFE_INTEGER),
  };
}

function readExpiry(token: string): number | null {
  try {
    const { exp } = decodeJwt(token);
    return typeof exp === "number" ? exp : null;
  } catch {
    return null;
  }
}
