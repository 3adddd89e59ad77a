/** HS256 tokens of the reference server, made and verified with `node:crypto` alone. */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { KeyName } from "../src/target.ts";

/** What an `Authorization` header turned out to be. Only the last two are genuine credentials. */
export type CredentialVerdict =
  | "missing"
  | "malformed"
  | "wrong-scheme"
  | "unknown-key"
  | "client-secret"
  | "alg-none"
  | "unsigned"
  | "tampered"
  | "wrong-issuer"
  | "wrong-audience"
  | "not-yet-valid"
  | "expired"
  | "no-capability"
  | "full";

interface TokenClaims {
  readonly iss: string;
  readonly aud: string;
  /** The account. */
  readonly sub: string;
  readonly nbf: number;
  readonly exp: number;
  readonly capabilities: readonly string[];
}

/** Whose credential it is, as far as that is known. */
export interface Identity {
  readonly verdict: CredentialVerdict;
  readonly account: string;
}

const SECRET = "reference-secret-reference-secret";
const ISSUER = "reference-issuer";
const AUDIENCE = "reference-audience";
/** An account other than the one that most checks use. */
export const OTHER_ACCOUNT = "other";
const HOUR_SECONDS = 3600;

/** Tokens for every key that a target's recipe can name. */
export function mintReferenceKeys(nowSeconds: number): Record<KeyName, string> {
  const token = (differences: Partial<TokenClaims>): string =>
    signToken({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: "reference",
      nbf: nowSeconds - HOUR_SECONDS,
      exp: nowSeconds + HOUR_SECONDS,
      capabilities: ["ai"],
      ...differences,
    });
  return {
    full: token({}),
    no_capability: token({ capabilities: [] }),
    expired: token({ exp: nowSeconds - HOUR_SECONDS }),
    not_yet_valid: token({ nbf: nowSeconds + HOUR_SECONDS, exp: nowSeconds + 2 * HOUR_SECONDS }),
    wrong_audience: token({ aud: "another-audience" }),
    wrong_issuer: token({ iss: "another-issuer" }),
    no_credit: token({ sub: "empty" }),
    small_credit: token({ sub: "small" }),
    stream_credit: token({ sub: "streaming" }),
    left_credit: token({ sub: "leaving" }),
    completions_credit: token({ sub: "completions" }),
    completions_stream_credit: token({ sub: "completions-stream" }),
    responses_credit: token({ sub: "responses" }),
    responses_stream_credit: token({ sub: "responses-stream" }),
    embeddings_credit: token({ sub: "embeddings" }),
    transcriptions_credit: token({ sub: "transcriptions" }),
    transcriptions_stream_credit: token({ sub: "transcriptions-stream" }),
    translations_credit: token({ sub: "translations" }),
    speech_credit: token({ sub: "speech" }),
    speech_stream_credit: token({ sub: "speech-stream" }),
    realtime_credit: token({ sub: "realtime" }),
    rate_limited: token({ sub: "limited" }),
    other_account: token({ sub: OTHER_ACCOUNT }),
  };
}

/** Names what is wrong with a credential; `scheme` says which spelling of `Bearer` counts. */
export function readCredential(header: string | undefined, scheme: RegExp): Identity {
  const stranger = (verdict: CredentialVerdict): Identity => ({ verdict, account: "stranger" });
  if (header === undefined) return stranger("missing");
  const [word = "", token = "", ...rest] = header.trim().split(/\s+/);
  if (!scheme.test(word)) return stranger(token === "" ? "malformed" : "wrong-scheme");
  if (token === "" || rest.length > 0) return stranger("malformed");
  if (token.startsWith("ek_")) return stranger("client-secret");
  const [, payload = ""] = token.split(".");
  return { verdict: verifyToken(token), account: readAccount(decodePart(payload)) };
}

/** Whose client secret it is, and what session it was made for. */
export interface ClientSecretIdentity extends Identity {
  readonly session: unknown;
}

const CLIENT_SECRET = /^Bearer ek_([^.]*)\.([^.]*)$/i;

/** For `/realtime` alone: no other operation knows it. */
export function signClientSecret(account: string, expiresAt: number, session: unknown): string {
  const body = encodePart({ sub: account, exp: expiresAt, session });
  return `ek_${body}.${sign(body)}`;
}

/** @returns null for another credential */
export function readClientSecret(header: string | undefined): ClientSecretIdentity | null {
  const [, body, signature] = CLIENT_SECRET.exec(header ?? "") ?? [];
  if (body === undefined || signature === undefined) return null;
  const claims = decodePart(body);
  const isOver = typeof claims?.["exp"] !== "number" || claims["exp"] <= Date.now() / 1000;
  const verdict = isSigned(body, signature) ? (isOver ? "expired" : "full") : "unknown-key";
  return { verdict, account: readAccount(claims), session: claims?.["session"] };
}

function readAccount(claims: Readonly<Record<string, unknown>> | null): string {
  return typeof claims?.["sub"] === "string" ? claims["sub"] : "stranger";
}

function verifyToken(token: string): CredentialVerdict {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return "unknown-key";
  if (decodePart(header)?.["alg"] !== "HS256") return "alg-none";
  if (signature === "") return "unsigned";
  if (!isSigned(`${header}.${payload}`, signature)) return "tampered";
  return verifyClaims(decodePart(payload) ?? {}, Date.now() / 1000);
}

function verifyClaims(claims: Readonly<Record<string, unknown>>, nowSeconds: number): CredentialVerdict {
  if (claims["iss"] !== ISSUER) return "wrong-issuer";
  if (claims["aud"] !== AUDIENCE) return "wrong-audience";
  if (typeof claims["nbf"] !== "number" || claims["nbf"] > nowSeconds) return "not-yet-valid";
  if (typeof claims["exp"] !== "number" || claims["exp"] <= nowSeconds) return "expired";
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
