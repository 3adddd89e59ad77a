/** HS256 tokens of the reference server, made and judged with `node:crypto` alone. */

import { createHmac, timingSafeEqual } from "node:crypto";

/** What an `Authorization` header turned out to be. Only the last two are genuine credentials. */
export type CredentialVerdict =
  | "missing"
  | "malformed"
  | "wrong-scheme"
  | "unknown-key"
  | "alg-none"
  | "tampered"
  | "expired"
  | "no-capability"
  | "full";

interface TokenClaims {
  readonly sub: string;
  readonly exp: number;
  readonly capabilities: readonly string[];
}

const SECRET = "reference-secret-reference-secret";

/** Tokens for every key role that a target's recipe can name. */
export function mintReferenceKeys(nowSeconds: number): { full: string; no_capability: string; expired: string } {
  const token = (capabilities: readonly string[], exp: number): string =>
    signToken({ sub: "reference", exp, capabilities });
  return {
    full: token(["ai"], nowSeconds + 3600),
    no_capability: token([], nowSeconds + 3600),
    expired: token(["ai"], nowSeconds - 3600),
  };
}

/** Names what is wrong with a credential; `scheme` says which spelling of `Bearer` counts. */
export function judgeCredential(header: string | undefined, scheme: RegExp): CredentialVerdict {
  if (header === undefined) return "missing";
  const [word = "", token = "", ...rest] = header.trim().split(/\s+/);
  if (!scheme.test(word)) return token === "" ? "malformed" : "wrong-scheme";
  if (token === "" || rest.length > 0) return "malformed";
  return judgeToken(token);
}

function judgeToken(token: string): CredentialVerdict {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return "unknown-key";
  if (decodePart(header)?.["alg"] !== "HS256") return "alg-none";
  if (!isSigned(`${header}.${payload}`, signature)) return "tampered";
  const claims = decodePart(payload);
  if (typeof claims?.["exp"] !== "number" || claims["exp"] <= Date.now() / 1000) return "expired";
  const capabilities = claims["capabilities"];
  return Array.isArray(capabilities) && capabilities.includes("ai") ? "full" : "no-capability";
}

function signToken(claims: TokenClaims): string {
  const body = `${encodePart({ alg: "HS256", typ: "JWT" })}.${encodePart(claims)}`;
  return `${body}.${sign(body)}`;
}

function isSigned(body: string, signature: string): boolean {
  const expected = Buffer.from(sign(body));
  const actual = Buffer.from(signature);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function sign(body: string): string {
  return createHmac("sha256", SECRET).update(body).digest("base64url");
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodePart(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}
