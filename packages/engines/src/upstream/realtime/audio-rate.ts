/** How many bytes of a session's input make a millisecond. It decodes no audio. */

import { isRecord, type JsonRecord } from "../json-value.ts";

/** Of the format that sessions begin with: 24 kHz, 16 bits, mono. */
export const DEFAULT_BYTES_PER_MS = 48;

/** Of 8 kHz with 8 bits: no format has fewer, so an unknown one counts as this. */
const FEWEST_BYTES_PER_MS = 8;

/** What speech is sampled with; what lies outside is no rate. */
const SAMPLE_RATES = { min: 8000, max: 48_000 };

/** @param session of an event, in the shape of today or of the beta. @returns null where it names no format */
export function readBytesPerMs(session: JsonRecord): number | null {
  const format = readInput(session)?.["format"] ?? session["input_audio_format"];
  if (typeof format === "string") return format === "pcm16" ? DEFAULT_BYTES_PER_MS : FEWEST_BYTES_PER_MS;
  if (!isRecord(format)) return null;
  if (format["type"] !== "audio/pcm") return FEWEST_BYTES_PER_MS;
  const { rate } = format;
  const isRate = typeof rate === "number" && rate >= SAMPLE_RATES.min && rate <= SAMPLE_RATES.max;
  return isRate ? (2 * rate) / 1000 : DEFAULT_BYTES_PER_MS;
}

/** `audio.input` of a session. */
export function readInput(session: JsonRecord): JsonRecord | null {
  const { audio } = session;
  const input = isRecord(audio) ? audio["input"] : null;
  return isRecord(input) ? input : null;
}

/** @param audio base64. @returns the bytes of it, from its length alone */
export function countAudioBytes(audio: unknown): number {
  if (typeof audio !== "string") return 0;
  const padding = audio.endsWith("==") ? 2 : Number(audio.endsWith("="));
  return Math.max(0, Math.floor((audio.length * 3) / 4) - padding);
}
