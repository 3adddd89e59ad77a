/** Bad credentials, one probe each: what a caller sends, how it has to be refused, and who suffers when it is not. */

import type { Need } from "../../src/check.ts";
import type { CheckContext, Credential } from "../../src/check-context.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import type { KeyName } from "../../src/target.ts";

export interface CredentialProbe {
  readonly slug: string;
  /** Completes the sentence "… is refused with 401". */
  readonly subject: string;
  readonly status: 401 | 403;
  readonly level: "must" | "should";
  /** Who suffers when such a caller gets in. */
  readonly breaks: string;
  readonly needs: readonly Need[];
  compose(context: CheckContext): Credential;
}

/** Kinds that every operation has to refuse. */
export const CREDENTIAL_PROBES: readonly CredentialProbe[] = [
  {
    slug: "missing",
    subject: "A call without a credential",
    status: 401,
    level: "must",
    breaks:
      "Anyone gets in. Where the refusal is no 401, the SDK throws no AuthenticationError and clients ask for no key.",
    needs: ["key:full"],
    compose: () => null,
  },
  {
    slug: "malformed",
    subject: "An `Authorization` header that holds a scheme and no token",
    status: 401,
    level: "must",
    breaks: "Anyone gets in; clients whose key is an empty variable are told nothing, or a wrong reason.",
    needs: ["key:full"],
    compose: () => ({ authorization: "Bearer" }),
  },
  {
    slug: "wrong-scheme",
    subject: "The right key under the scheme Basic",
    status: 401,
    level: "should",
    breaks:
      "The interface description promises bearer tokens only; a password meant for another service is taken or blamed.",
    needs: ["key:full"],
    compose: (context) => ({ authorization: `Basic ${btoa(`user:${context.key("full")}`)}` }),
  },
  {
    slug: "unknown-key",
    subject: "A key that nobody issued",
    status: 401,
    level: "must",
    breaks: "Anyone gets in. Open WebUI and others that try a key out take a wrong one for right.",
    needs: ["key:full"],
    compose: () => ({ literal: UNKNOWN_KEY }),
  },
  {
    slug: "expired",
    subject: "An expired key",
    status: 401,
    level: "must",
    breaks: "A key that leaked once works for ever; clients never hear that they need a new one.",
    needs: ["key:expired"],
    compose: () => "expired",
  },
  {
    slug: "tampered",
    subject: "A token whose claims were changed after it was signed",
    status: 401,
    level: "must",
    breaks: "Whoever has any token grants himself what he likes.",
    needs: ["key:full", "jwt"],
    compose: (context) => ({ literal: tamper(context.key("full")) }),
  },
  {
    slug: "alg-none",
    subject: "An unsigned token with `alg: none`",
    status: 401,
    level: "must",
    breaks: "Anyone writes his own token (CVE-2015-9235).",
    needs: ["key:full", "jwt"],
    compose: (context) => ({ literal: unsign(context.key("full")) }),
  },
  {
    slug: "no-capability",
    subject: "A genuine key without the capability",
    status: 403,
    level: "must",
    breaks: "Anyone with any key uses what it was not given for; with 401 clients ask for a new key in vain.",
    needs: ["key:no_capability"],
    compose: () => "no_capability",
  },
];

/** What is left of a token's rules: one operation shows how tokens are read, for all of them. */
export const TOKEN_PROBES: readonly CredentialProbe[] = [
  {
    slug: "unsigned",
    subject: "A token whose signature was cut off",
    status: 401,
    level: "must",
    breaks: "Anyone writes his own token.",
    needs: ["key:full", "jwt"],
    compose: (context) => ({ literal: cutSignature(context.key("full")) }),
  },
  {
    slug: "not-yet-valid",
    subject: "A token whose `nbf` lies ahead",
    status: 401,
    level: "must",
    breaks: "A key that was issued for later works at once.",
    needs: ["key:not_yet_valid"],
    compose: () => "not_yet_valid",
  },
  {
    slug: "wrong-audience",
    subject: "A token that was issued for another service",
    status: 401,
    level: "must",
    breaks: "Whoever runs any service of the same issuer uses this one in its users' names.",
    needs: ["key:wrong_audience"],
    compose: () => "wrong_audience",
  },
  {
    slug: "wrong-issuer",
    subject: "A token of another issuer",
    status: 401,
    level: "must",
    breaks: "Whoever shares a key with the issuer speaks in its name.",
    needs: ["key:wrong_issuer"],
    compose: () => "wrong_issuer",
  },
];

/** Whether the recipe has this key: for a row of a table that goes on without it. */
export function hasKey(context: CheckContext, name: KeyName): boolean {
  try {
    return context.key(name) !== "";
  } catch (error) {
    if (error instanceof NotTestable) return false;
    throw error;
  }
}

export const UNKNOWN_KEY = "sk-conformance-0123456789abcdef0123456789abcdef";

/** The same token with one more claim and the old signature. */
function tamper(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  return [header, encodePart({ ...decodePart(payload), conformance: "tampered" }), signature].join(".");
}

function unsign(token: string): string {
  const [header = "", payload = ""] = token.split(".");
  return [encodePart({ ...decodePart(header), alg: "none" }), payload, ""].join(".");
}

function cutSignature(token: string): string {
  const [header = "", payload = ""] = token.split(".");
  return [header, payload, ""].join(".");
}

function encodePart(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodePart(part: string): object {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  return typeof value === "object" && value !== null ? value : {};
}
