/** What the audio benchmark runs on, the same for our server and for the graphs alone: what the cache holds. */

import { findCachedModel } from "@openai-compat/engines";
import type { VoiceEngineSettings } from "@openai-compat/engines";

export interface AudioSubject {
  readonly threads: number;
  /** Paths of Whisper's files, by the id of the model. */
  readonly whispers: Readonly<Record<string, string>>;
  readonly voiceDetectorPath: string;
  /** By the id of the model. */
  readonly voices: Readonly<Record<string, VoiceEngineSettings["files"]>>;
}

const WHISPERS = ["whisper-tiny.en", "whisper-base"];
const VOICE_DETECTOR = "silero-vad";

export interface FoundAudio {
  readonly subject: AudioSubject;
  /** Ids of the catalogue. */
  readonly missing: readonly string[];
}

/** Pulls nothing. */
export async function findAudioModels(threads: number): Promise<FoundAudio> {
  const ids = [...WHISPERS, VOICE_DETECTOR, "hibari", "kokoro", "kokoro-voices"];
  const paths = new Map<string, string>();
  for (const id of ids) {
    const cached = await findCachedModel(id);
    if (cached !== null) paths.set(id, cached.path);
  }
  const [detector, archive] = [paths.get(VOICE_DETECTOR), paths.get("hibari")];
  const [kokoro, styles] = [paths.get("kokoro"), paths.get("kokoro-voices")];
  const voices: Record<string, VoiceEngineSettings["files"]> = {};
  if (archive !== undefined) voices["hibari"] = { family: "hibari", archivePath: archive };
  if (archive !== undefined && kokoro !== undefined && styles !== undefined)
    voices["kokoro"] = { family: "kokoro", archivePath: archive, modelPath: kokoro, stylesPath: styles };
  const whispers = WHISPERS.flatMap((id) => {
    const path = detector === undefined ? undefined : paths.get(id);
    return path === undefined ? [] : [[id, path] as const];
  });
  const subject = { threads, whispers: Object.fromEntries(whispers), voiceDetectorPath: detector ?? "", voices };
  return { subject, missing: ids.filter((id) => !paths.has(id)) };
}
