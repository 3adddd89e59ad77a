/**
 * Which claims of a token carry the account and the capabilities: AD4M's layout, and the only file that knows it.
 *
 * `sub` or `userEmail` name the account; `capabilities` holds the application's name and its grants:
 * `{ appName, capabilities: [{ with: { domain, pointers }, can }] }`.
 *
 * @see https://github.com/coasys/ad4m (rust-executor, `agent/capabilities`)
 */

import { isRecord } from "../json-record.ts";
import type { GrantedCapability } from "../principal.ts";

export interface TokenIdentity {
  readonly accountId: string;
  readonly appName: string | null;
  readonly capabilities: readonly GrantedCapability[];
}

/** Bounds on what a token may carry, so that a signed but absurd one costs nothing later. */
const GRANTS_MAX = 256;
const ACCOUNT_ID_LENGTH_MAX = 320;

function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= GRANTS_MAX && value.every((item) => typeof item === "string");
}

function decodeGrant(value: unknown): GrantedCapability | null {
  if (!isRecord(value) || !isRecord(value["with"])) return null;
  const { domain, pointers } = value["with"];
  const can = value["can"];
  if (typeof domain !== "string" || !isStringList(pointers) || !isStringList(can)) return null;
  return { domain, pointers, can };
}

function decodeAccountId(claims: Readonly<Record<string, unknown>>): string | null {
  for (const name of ["sub", "userEmail"]) {
    const value = claims[name];
    if (typeof value === "string" && value !== "" && value.length <= ACCOUNT_ID_LENGTH_MAX) return value;
  }
  return null;
}

/**
 * Reads the identity out of verified claims. A grant that can't be read grants nothing; the others keep their force.
 *
 * @returns null when no account is named or `capabilities` is not AD4M's object: such a token identifies no account.
 */
export function decodeAd4mClaims(claims: Readonly<Record<string, unknown>>): TokenIdentity | null {
  const accountId = decodeAccountId(claims);
  const holder = claims["capabilities"];
  if (accountId === null || !isRecord(holder) || !Array.isArray(holder["capabilities"])) return null;
  const capabilities = holder["capabilities"]
    .slice(0, GRANTS_MAX)
    .map(decodeGrant)
    .filter((grant) => grant !== null);
  return { accountId, appName: typeof holder["appName"] === "string" ? holder["appName"] : null, capabilities };
}

/** The claims that `decodeAd4mClaims` reads back as the same identity. */
export function encodeAd4mClaims(identity: TokenIdentity): Record<string, unknown> {
  return {
    sub: identity.accountId,
    capabilities: {
      appName: identity.appName ?? "",
      appDesc: "",
      appUrl: "",
      capabilities: identity.capabilities.map(({ domain, pointers, can }) => ({ with: { domain, pointers }, can })),
    },
  };
}
