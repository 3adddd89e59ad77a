/**
 * Writes the profiles of a release, `profiles/<release>.json`: `node conformance/src/freeze-profiles.ts 2026-11`. A release
 * that exists is never written again: servers are gated by what it was.
 */

import { existsSync, writeFileSync } from "node:fs";
import { checks } from "../checks/index.ts";

/** What each profile is about: dotted prefixes of ids. The date of the release is part of each name. */
const PROFILES = {
  core: ["models", "chat", "sse", "errors", "http"],
  chat: ["models", "chat", "sse"],
  audio: ["audio"],
  realtime: ["realtime"],
  auth: ["auth"],
  billing: ["billing", "limits"],
  full: ["*"],
} as const;

const [release = ""] = process.argv.slice(2);
const target = new URL(`../profiles/${release}.json`, import.meta.url);
if (!/^\d{4}-\d{2}$/.test(release)) {
  console.error("Name a release: its year and month, such as 2026-11.");
  process.exitCode = 2;
} else if (existsSync(target)) {
  console.error(`The profiles of ${release} are released and never change. Name a new release.`);
  process.exitCode = 2;
} else {
  const ids = checks.map(({ id }) => id).toSorted();
  writeFileSync(target, `${JSON.stringify({ release, profiles: PROFILES, ids }, null, 2)}\n`);
}
