/** Decides, before anything is sent, which checks will run and why the others won't. */

import type { Check, Need } from "./check.ts";
import { findClosestName } from "./closest-name.ts";
import { DEFAULT_SDK, hasSdkFeature, type OfficialSdk, SDK_FEATURE_NAMES } from "./official-sdk.ts";
import type { Outcome } from "./outcome.ts";
import { FIXTURE_NAMES, KEY_NAMES, MODEL_ROLES, type Target } from "./target.ts";

export interface PlannedCheck {
  readonly check: Check;
  /** Null for a check that will run; else how it is accounted for. */
  readonly skip: { readonly outcome: Outcome & ("not-testable" | "disabled"); readonly reason: string } | null;
}

export interface Selection {
  /** Patterns of checks to plan; all when empty. */
  readonly only?: readonly string[];
  /** Patterns of checks to account for as disabled. */
  readonly disable?: readonly string[];
}

/** What else decides which checks run. */
export interface PlanOptions extends Selection {
  /** Whether the target lets anybody in; then there is nothing to refuse. Default false. */
  readonly isOpen?: boolean;
  /** The official SDK that the checks will get. Default: the newest. */
  readonly officialSdk?: OfficialSdk;
}

const OPEN_REASON = "the server asks for no key";

/** What is about who is let in. */
const CREDENTIAL_CHECKS = /^auth\.|^realtime\.auth\.|\.unauthenticated$/;

/** Whether a check needs a server that asks for a key. */
export function judgesCredentials({ id }: Check): boolean {
  return CREDENTIAL_CHECKS.test(id);
}

/** A pattern that selects no check: a mistake of the configuration, never an empty run. */
export class UnmatchedPatternError extends Error {
  override readonly name = "UnmatchedPatternError";
}

function describeUnmatched(pattern: string, checks: readonly Check[]): string {
  const closest = findClosestName(pattern, [...listPrefixes(checks)]);
  const guess = closest === null ? "" : ` Did you mean "${closest}"?`;
  return `No check matches "${pattern}".${guess} The command \`list\` prints all ids.`;
}

/** Every id and every dotted prefix of one. */
function listPrefixes(checks: readonly Check[]): ReadonlySet<string> {
  const prefixes = checks.flatMap(({ id }) => {
    const parts = id.split(".");
    return parts.map((_, index) => parts.slice(0, index + 1).join("."));
  });
  return new Set(prefixes);
}

/** @throws UnmatchedPatternError for the first pattern that selects no check. */
export function refuseUnmatched(patterns: readonly string[], checks: readonly Check[]): void {
  for (const pattern of patterns) {
    if (checks.some((check) => matchesPattern(check.id, pattern))) continue;
    throw new UnmatchedPatternError(describeUnmatched(pattern, checks));
  }
}

/** The selected checks in the order given. @throws UnmatchedPatternError */
export function planChecks(checks: readonly Check[], target: Target, options: PlanOptions = {}): PlannedCheck[] {
  const { only = [], disable = [], isOpen = false, officialSdk = DEFAULT_SDK } = options;
  refuseUnmatched([...only, ...disable], checks);
  const selected =
    only.length === 0 ? checks : checks.filter((check) => only.some((pattern) => matchesPattern(check.id, pattern)));
  return selected.map((check) => {
    const isMoot = isOpen && judgesCredentials(check);
    const skip = resolveSkip(check, { target, officialSdk }, disable);
    return { check, skip: isMoot ? (skip ?? { outcome: "not-testable", reason: OPEN_REASON }) : skip };
  });
}

/** A pattern is an id, a dotted prefix of ids (`chat.stream`), or either with `*` for any run of characters. */
export function matchesPattern(id: string, pattern: string): boolean {
  const source = pattern
    .split("*")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${source}(?:\\..*)?$`, "s").test(id);
}

/** The only check of the field that a target may refuse; in all others the newer one is sent. */
const MAX_TOKENS_CHECK = "chat.limit.max-tokens";

interface Offer {
  readonly target: Target;
  readonly officialSdk: OfficialSdk;
}

function resolveSkip(check: Check, offer: Offer, disable: readonly string[]): PlannedCheck["skip"] {
  const { target } = offer;
  const pattern = disable.find((candidate) => matchesPattern(check.id, candidate));
  if (pattern !== undefined) return { outcome: "disabled", reason: `disabled by the pattern "${pattern}"` };
  if (check.id === MAX_TOKENS_CHECK && target.tokenLimit === "max_completion_tokens") {
    return { outcome: "not-testable", reason: "the model refuses max_tokens, and names max_completion_tokens" };
  }
  const missing = check.needs.filter((need) => !hasNeed(offer, need));
  if (missing.length === 0) return null;
  return { outcome: "not-testable", reason: missing.map((need) => describeMissing(need, offer)).join("; ") };
}

function hasNeed({ target, officialSdk }: Offer, need: Need): boolean {
  const { keys, models, fixtures = {} } = target;
  if (need === "jwt") return isJwt(keys.full ?? "");
  return (
    KEY_NAMES.some((name) => need === `key:${name}` && keys[name] !== undefined) ||
    SDK_FEATURE_NAMES.some((name) => need === `sdk:${name}` && hasSdkFeature(officialSdk, name)) ||
    MODEL_ROLES.some((role) => need === `model:${role}` && models[role] !== undefined) ||
    FIXTURE_NAMES.some((name) => need === `fixture:${name}` && fixtures[name] !== undefined)
  );
}

function describeMissing(need: Need, { officialSdk }: Offer): string {
  if (need === "jwt") return "the full key is no JSON Web Token";
  const [kind, name] = need.split(":");
  if (kind === "sdk") return `openai ${officialSdk.version} can't do this: ${name}`;
  return kind === "model"
    ? `no ${name} model is known: name one in the recipe${name === "chat" ? " or with --model" : ""}`
    : `the target's recipe has no ${kind} \`${name}\``;
}

/** Three base64url parts of which the first is a JSON object with `alg`. */
export function isJwt(key: string): boolean {
  const parts = key.split(".");
  if (parts.length !== 3) return false;
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString("utf8"));
    return typeof header === "object" && header !== null && "alg" in header;
  } catch {
    return false;
  }
}
