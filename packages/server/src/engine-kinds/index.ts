/** The engine kinds that there are. */

import type { EngineKind, EngineSettings } from "./engine-kind.ts";
import { llamaKind } from "./llama.ts";
import { scriptedKind } from "./scripted.ts";
import { upstreamKind } from "./upstream.ts";

/** In the order of docs/settings.md. */
export const ENGINE_KINDS = [scriptedKind, llamaKind, upstreamKind] as const;

/** Serves the models of the catalogue, and those that the configuration names by a text alone. */
export const CATALOGUE_KIND = llamaKind;

/** Serves when nothing is configured and no model of the catalogue can be had. */
export const FALLBACK_KIND = scriptedKind;

export function listEngineKinds(): readonly EngineKind[] {
  return ENGINE_KINDS;
}

/** @throws Error for settings that the schema did not check */
export function findEngineKind({ kind }: EngineSettings): EngineKind {
  const found = listEngineKinds().find((candidate) => candidate.kind === kind);
  if (found === undefined) throw new Error(`There is no engine kind "${kind}".`);
  return found;
}
