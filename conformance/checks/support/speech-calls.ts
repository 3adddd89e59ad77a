/** Speech as checks ask for it, and what its files begin with. `require…` leaves the caller inconclusive; nothing here judges. */

import type { CheckContext, Credential } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { throwIfUnsupported, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyBytes } from "../../src/response-body.ts";
import { requireStatus } from "./envelope.ts";
import { measureWave } from "./wave.ts";
import { OWNERS } from "./owners.ts";

/** What every check of the endpoint has. */
export const SPEECH = {
  area: "audio",
  level: "must",
  tier: "protocol",
  operation: "createSpeech",
  needs: ["model:speech"],
} as const;

export const SPOKEN_TEXT = "The sea is wide and the rain is cold.";

export const SPEECH_FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"] as const;
export type SpeechFormat = (typeof SPEECH_FORMATS)[number];

/** The first bytes of a file, as Latin-1. */
export const MAGIC: Readonly<Record<SpeechFormat, RegExp>> = {
  mp3: /^(?:ID3|\u00FF[\u00E2-\u00FF])/,
  opus: /^OggS/,
  aac: /^(?:\u00FF[\u00F0-\u00F9]|ADIF|....ftyp)/s,
  flac: /^fLaC/,
  wav: /^RIFF....WAVE/s,
  // Samples may begin with anything but what another format begins with.
  pcm: /^(?!ID3|OggS|fLaC|RIFF|\{|<)/,
};

export const CONTENT_TYPES: Readonly<Record<SpeechFormat, RegExp>> = {
  mp3: /^audio\/(?:mpeg|mp3)\b/i,
  opus: /^audio\/(?:ogg|opus)\b/i,
  aac: /^audio\/(?:x-)?(?:aac|mp4)\b/i,
  flac: /^audio\/(?:x-)?flac\b/i,
  wav: /^audio\/(?:x-|vnd\.)?wave?\b/i,
  pcm: /^(?:audio\/(?:pcm|l16|raw)\b|application\/octet-stream)/i,
};

export function composeSpeech(context: CheckContext, fields: JsonObject = {}): JsonObject {
  return { model: context.models.speech, input: SPOKEN_TEXT, voice: "alloy", response_format: "wav", ...fields };
}

/** Past the SDK, whatever comes of it. */
export async function sendSpeech(
  context: CheckContext,
  fields: JsonObject = {},
  credential: Credential = "full",
): Promise<Exchange> {
  const body = JSON.stringify(composeSpeech(context, fields));
  return context.wire({ method: "POST", path: "/audio/speech", body, credential });
}

/** @throws Unsupported where the target does not make this format */
export async function askFormat(
  context: CheckContext,
  format: SpeechFormat,
  fields: JsonObject = {},
): Promise<Exchange> {
  const exchange = await sendSpeech(context, { response_format: format, ...fields });
  throwIfUnsupported(exchange, "response_format");
  return exchange;
}

export function startOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 16)).toString("latin1");
}

/** The seconds of a WAV file that was asked for. @throws Inconclusive where there is none */
export async function requireSeconds(context: CheckContext, fields: JsonObject = {}): Promise<number> {
  const exchange = await askFormat(context, "wav", fields);
  requireStatus(exchange, 200);
  const seconds = measureWave(bodyBytes(exchange));
  if (seconds === null || seconds === 0)
    throw new Inconclusive("the answer is no WAV file, which another check judges", OWNERS.speechWave);
  return seconds;
}
