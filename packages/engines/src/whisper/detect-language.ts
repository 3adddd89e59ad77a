/** Which language is spoken, as the model hears it. */

import { findLargest } from "./logits.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import type { EncodedAudio, WhisperModel } from "./whisper-model.ts";

/** Where Whisper's code for a language is not that of ISO 639-1. */
const ISO_CODES: ReadonlyMap<string, string> = new Map([["jw", "jv"]]);
export const ENGLISH = "en";

/** As ISO 639-1 codes, or longer ones where there is none. */
export function listLanguages({ isMultilingual, languages }: WhisperConfig): ReadonlyMap<string, number | null> {
  if (!isMultilingual) return new Map([[ENGLISH, null]]);
  return new Map(Object.entries(languages).map(([code, token]) => [ISO_CODES.get(code) ?? code, token] as const));
}

export interface DetectedLanguage {
  readonly code: string;
  /** Among all languages that the model knows. */
  readonly probability: number;
}

/** @param allowed null: any */
export async function detectLanguage(
  model: WhisperModel,
  audio: EncodedAudio,
  allowed: readonly string[] | null,
): Promise<DetectedLanguage> {
  const start = { parent: 0, tokens: [model.config.tokens.startOfTranscript] };
  const [step] = await model.decode(audio).step([start], { likeliest: 1, logits: true, attention: false });
  const known = [...listLanguages(model.config)].map(([code, token]) => ({
    code,
    logit: step?.logits?.[token ?? -1] ?? -Infinity,
  }));
  const largest = findLargest(Float32Array.from(known, ({ logit }) => logit));
  const sum = known.reduce((total, { logit }) => total + Math.exp(logit - largest), 0);
  const candidates = known.filter(({ code }) => allowed === null || allowed.includes(code));
  const [likeliest = { code: ENGLISH, logit: -Infinity }] = candidates.sort((a, b) => b.logit - a.logit);
  return { code: likeliest.code, probability: Math.exp(likeliest.logit - largest) / sum };
}
