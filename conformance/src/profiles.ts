/**
 * Profiles: named sets of checks that a release froze, so that a server is gated by the same checks whatever version of
 * the suite runs. Checks that a later version added run as well, and don't count.
 */

import release202611 from "../profiles/2026-11.json" with { type: "json" };
import type { Check } from "./check.ts";
import { findClosestName } from "./closest-name.ts";
import { matchesPattern } from "./plan.ts";
import { ConfigurationError } from "./resolve-target.ts";

interface ProfileRelease {
  /** Its year and month, `2026-11`. */
  readonly release: string;
  /** Name without the date → patterns of what it is about. */
  readonly profiles: Readonly<Record<string, readonly string[]>>;
  /** Every check of the suite at that time. */
  readonly ids: readonly string[];
}

/** Newest first. Each is written by `freeze-profiles.ts` and never changes. */
export const PROFILE_RELEASES: readonly ProfileRelease[] = [release202611];

export interface Profile {
  /** With its date: `core-2026-11`. */
  readonly name: string;
  /** Patterns of what it is about. */
  readonly patterns: readonly string[];
  /** The checks that count. */
  readonly ids: ReadonlySet<string>;
}

/** Of the newest release first; every profile has a name without the date as well, which means the newest one. */
export function listProfileNames(): readonly string[] {
  const dated = PROFILE_RELEASES.flatMap(({ release, profiles }) =>
    Object.keys(profiles).map((name) => `${name}-${release}`),
  );
  return [...dated, ...new Set(PROFILE_RELEASES.flatMap(({ profiles }) => Object.keys(profiles)))];
}

/**
 * @param name with its date, or without for the newest one
 * @throws ConfigurationError for a name that is no profile
 */
export function findProfile(name: string): Profile {
  for (const { release, profiles, ids } of PROFILE_RELEASES) {
    const undated = Object.keys(profiles).find((known) => known === name || `${known}-${release}` === name);
    const patterns = undated === undefined ? undefined : profiles[undated];
    if (undated === undefined || patterns === undefined) continue;
    const frozen = ids.filter((id) => patterns.some((pattern) => matchesPattern(id, pattern)));
    return { name: `${undated}-${release}`, patterns, ids: new Set(frozen) };
  }
  const closest = findClosestName(name, listProfileNames());
  const guess = closest === null ? "" : ` Did you mean ${closest}?`;
  throw new ConfigurationError(
    `${JSON.stringify(name)} is no profile.${guess} There are ${listProfileNames().join(", ")}.`,
  );
}

/** The checks that a run of the profile has: those that count, and newer ones of what it is about. */
export function selectChecks({ patterns }: Profile, checks: readonly Check[]): readonly Check[] {
  return checks.filter(({ id }) => patterns.some((pattern) => matchesPattern(id, pattern)));
}
