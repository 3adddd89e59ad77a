/** The media type of each format of speech. It imports no zod, so that the table of routes can use it. */
import type { SpeechFormat } from "./speech-request.ts";

/** The `Content-Type` of an answer in each format. `opus` travels in an Ogg container. */
export const SPEECH_CONTENT_TYPES = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
} as const satisfies Readonly<Record<SpeechFormat, string>>;
