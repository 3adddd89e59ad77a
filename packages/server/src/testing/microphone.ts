/** A file in the place of a browser's microphone: silence, then speech, then silence, again and again. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createScriptedSpeechEngine } from "@openai-compat/engines";
import { onTestFinished } from "vitest";

/** While a page opens its session, nothing is to be missed; behind the speech, its turn has to end. */
const SILENCE_SECONDS = { before: 2, after: 3 };

/** @returns Chromium's flags. @param text what the scripted engines say and understand */
export async function speakIntoMicrophone(text: string): Promise<readonly string[]> {
  return playIntoMicrophone(await speakPcm(text), 24_000);
}

/** @returns 16 bits at 24 kHz, of what the scripted engines understand */
export async function speakPcm(text: string): Promise<Buffer> {
  const engine = createScriptedSpeechEngine();
  const pieces: Uint8Array[] = [];
  const request = { text, voice: "scripted", speed: 1, instructions: null, format: "pcm" } as const;
  for await (const event of engine.speak(request, new AbortController().signal)) {
    if (event.type === "speech-audio") pieces.push(event.bytes);
  }
  await engine.close();
  return Buffer.concat(pieces);
}

/** @returns Chromium's flags. @param pcm 16 bits */
export async function playIntoMicrophone(pcm: Uint8Array, sampleRate: number): Promise<readonly string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "microphone-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "speech.wav");
  const silence = (seconds: number) => Buffer.alloc(2 * seconds * sampleRate);
  const all = Buffer.concat([silence(SILENCE_SECONDS.before), pcm, silence(SILENCE_SECONDS.after)]);
  await writeFile(file, encodeWave(all, sampleRate));
  return [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${file}`,
  ];
}

function encodeWave(pcm: Uint8Array, sampleRate: number): Uint8Array {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + pcm.length, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(sampleRate, 24);
  head.writeUInt32LE(2 * sampleRate, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([head, pcm]);
}
