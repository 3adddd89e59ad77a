/**
 * The caller's account and its capabilities. Tokens and API keys of every kind become a `Principal` and nothing
 * downstream sees the credential again.
 */

/** The verbs of AD4M's capabilities that this service asks for. */
export const CAPABILITY_VERBS = ["READ", "PROMPT", "TRANSCRIBE", "CREATE", "UPDATE", "DELETE"] as const;
export type CapabilityVerb = (typeof CAPABILITY_VERBS)[number];

/**
 * `ai`: what callers of models do. `operator`: what whoever runs the server does, with accounts, keys, credits and the
 * files of the machine.
 */
export const CAPABILITY_DOMAINS = ["ai", "operator"] as const;
export type CapabilityDomain = (typeof CAPABILITY_DOMAINS)[number];

/** What a call needs: a verb in a domain. */
export interface RequiredCapability {
  readonly domain: CapabilityDomain;
  readonly can: CapabilityVerb;
}

/**
 * What a credential grants. `*` stands for every pointer or verb, and for every domain except `operator`: applications
 * are commonly granted everything, and that does not make them operators.
 */
export interface GrantedCapability {
  readonly domain: string;
  readonly pointers: readonly string[];
  readonly can: readonly string[];
}

export interface Principal {
  /** The account that owns the call: bills, limits and logs hang on it. */
  readonly accountId: string;
  /** The application that holds the credential, where the credential names one. */
  readonly appName: string | null;
  readonly capabilities: readonly GrantedCapability[];
  readonly credential: "jwt" | "api-key" | "client-secret";
  /**
   * What the credential is revoked by: the hash of an API key, the fingerprint of a token, and for a client secret that
   * of the credential that it was made with.
   */
  readonly credentialSha256: string;
  /**
   * Milliseconds since the epoch from which on the credential is refused, an allowance for differing clocks included;
   * null for never. A session that outlives one call has to look.
   */
  readonly expiresAtMs: number | null;
}

/** Whether any grant covers the requirement. */
export function isGranted(
  { capabilities }: Pick<Principal, "capabilities">,
  { domain, can }: RequiredCapability,
): boolean {
  return capabilities.some(
    (grant) =>
      (grant.domain === domain || (grant.domain === "*" && domain !== "operator")) &&
      grant.pointers.includes("*") &&
      (grant.can.includes("*") || grant.can.includes(can)),
  );
}
