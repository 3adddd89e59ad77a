/** The engine kinds that there are. */

import type { EngineKind, EngineSettings } from "./engine-kind.ts";
import { llamaKind } from "./llama.ts";
import { onnxEmbeddingKind } from "./onnx-embedding.ts";
import { scriptedKind } from "./scripted.ts";
import { upstreamKind } from "./upstream.ts";
import { voiceKind } from "./voice.ts";
import { whisperNodeKind } from "./whisper-node.ts";
import { whisperKind } from "./whisper.ts";

/** In the order of docs/settings.md. */
export const ENGINE_KINDS = [
  scriptedKind,
  llamaKind,
  onnxEmbeddingKind,
  whisperKind,
  whisperNodeKind,
  voiceKind,
  upstreamKind,
] as const;

/**
 * Serves the chat and embedding models of the catalogue that are GGUF files, and what a text of the configuration names
 * that no other kind knows.
 */
export const CATALOGUE_KIND = llamaKind;

/** Serves when nothing is configured and no model of the catalogue can be had. */
export const FALLBACK_KIND = scriptedKind;

export function listEngineKinds(): readonly EngineKind[] {
  return ENGINE_KINDS;
}

/** The model that the configuration names by a text alone. */
export function nameModel(text: string): object {
  for (const kind of listEngineKinds()) {
    const named = kind.nameModel?.(text) ?? null;
    if (named !== null) return named;
  }
  return CATALOGUE_KIND.nameUnknown(text);
}

/** @throws Error for settings that the schema did not check */
export function findEngineKind({ kind }: EngineSettings): EngineKind {
  const found = listEngineKinds().find((candidate) => candidate.kind === kind);
  if (found === undefined) throw new Error(`There is no engine kind "${kind}".`);
  return found;
}
