/** The settings of a speech engine and their defaults; no other module may define one. */

import type { SpeechVoice } from "@openai-compat/core";
import { KOKORO_VOICES } from "../models/voice-catalogue.ts";
import type { LoadingSettings } from "../residency/model-resource.ts";

/** Where the files of a voice lie. */
export type VoiceFiles =
  /** A voice with its own model in the archive. */
  | { readonly family: "hibari"; readonly archivePath: string }
  | {
      readonly family: "kokoro";
      /** The archive of hibari, which turns text into phonemes. */
      readonly archivePath: string;
      readonly modelPath: string;
      /** The styles of all voices, one after the other. */
      readonly stylesPath: string;
    };

/** What the process of the voice has to know: plain data. */
export interface VoiceModelSettings {
  readonly files: VoiceFiles;
  /** CPU threads of the model. Default 1: a second one gains little and takes a core from others. */
  readonly threads: number;
}

export interface VoiceEngineSettings {
  readonly files: VoiceFiles;
  readonly threads?: number | undefined;
  /** Texts that are spoken side by side; they take turns, a sentence each. Default 4. */
  readonly concurrency?: number | undefined;
  /** Other names of voices, by name; they come before OpenAI's, which are mapped by default. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** How the model is loaded, kept and unloaded. */
  readonly loading?: LoadingSettings;
}

export const VOICE_CONCURRENCY_DEFAULT = 4;
const THREADS_DEFAULT = 1;

/** OpenAI's names and the voices of Kokoro that sound most like them; the first six are of the same persons. */
const KOKORO_NAMES: Readonly<Record<string, string>> = {
  alloy: "af_alloy",
  echo: "am_echo",
  fable: "bm_fable",
  onyx: "am_onyx",
  nova: "af_nova",
  shimmer: "af_sky",
  ash: "am_michael",
  ballad: "bm_george",
  coral: "af_bella",
  sage: "af_sarah",
  verse: "am_fenrir",
  marin: "af_heart",
  cedar: "am_puck",
};

/** The one voice of hibari. */
const HIBARI_VOICE = "heart";

export function resolveVoiceModel({ files, threads }: VoiceEngineSettings): VoiceModelSettings {
  return { files, threads: threads ?? THREADS_DEFAULT };
}

/** The ids of the voices, the default one first. */
export function listVoiceIds(family: VoiceFiles["family"]): readonly string[] {
  if (family === "hibari") return [HIBARI_VOICE];
  const first = KOKORO_NAMES["marin"] ?? "";
  return [first, ...KOKORO_VOICES.filter((voice) => voice !== first)];
}

/** No two voices share a name: an operator's alias takes it from whichever voice has it by default. */
export function listVoices({
  files,
  aliases = {},
}: Pick<VoiceEngineSettings, "files" | "aliases">): readonly SpeechVoice[] {
  const ids = listVoiceIds(files.family);
  const names = Object.keys(KOKORO_NAMES);
  const defaults =
    files.family === "kokoro" ? KOKORO_NAMES : Object.fromEntries(names.map((name) => [name, HIBARI_VOICE]));
  const chosen = Object.entries(aliases).map(([name, voice]) => [name.toLowerCase(), voice] as const);
  const all = { ...defaults, ...Object.fromEntries(chosen) };
  return ids.map((id) => ({
    id,
    aliases: Object.entries(all).flatMap(([name, voice]) => (voice === id && name !== id ? [name] : [])),
  }));
}
