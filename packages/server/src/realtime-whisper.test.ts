/**
 * A recorded voice through the whole server: what only a model with trained weights can show. Runs when the models are
 * in the cache.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createWhisperEngine, findCachedModel } from "@openai-compat/engines";
import { expect, onTestFinished, test } from "vitest";
import { COMMIT, MANUAL, openRealtimeClient } from "./testing/realtime-client.ts";
import { startTestServer } from "./testing/test-server.ts";

const RECORDING = join(import.meta.dirname, "..", "..", "engines", "src", "whisper", "testing", "jfk.wav");
const HEADER_BYTES = 44;
const RATES = { from: 16_000, to: 24_000 };

/** Between two samples lies a straight line, which is good enough for a voice. */
function resample(wav: Buffer): Buffer {
  const count = Math.floor((wav.length - HEADER_BYTES) / 2);
  const read = (index: number) => wav.readInt16LE(HEADER_BYTES + 2 * Math.min(index, count - 1));
  const pcm = Buffer.alloc(2 * Math.floor((count * RATES.to) / RATES.from));
  for (let index = 0; index < pcm.length / 2; index += 1) {
    const position = (index * RATES.from) / RATES.to;
    const before = Math.floor(position);
    const value = read(before) + (position - before) * (read(before + 1) - read(before));
    pcm.writeInt16LE(Math.round(value), 2 * index);
  }
  return pcm;
}

function listWords(text: string): readonly string[] {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\s]/gu, "")
    .trim()
    .split(/\s+/);
}

test("a recorded voice has the words of its recording, the first of them before it is committed", async ({ skip }) => {
  const [model, detector] = [await findCachedModel("whisper-tiny.en"), await findCachedModel("silero-vad")];
  skip(model === null || detector === null, "whisper-tiny.en is not in the cache: pull it to run this test");
  if (model === null || detector === null) return;
  const engine = createWhisperEngine({ modelPath: model.path, voiceDetectorPath: detector.path, threads: 1 });
  const { server, baseUrl, keys } = await startTestServer({
    models: [{ id: "ears", type: "transcription", engine, isDefault: true }],
  });
  onTestFinished(() => server.close());
  const wav = await readFile(RECORDING);
  const form = new FormData();
  form.set("model", "ears");
  form.set("response_format", "text");
  form.set("file", new Blob([Uint8Array.from(wav)]), "jfk.wav");
  const headers = { authorization: `Bearer ${keys.key}` };
  const recorded = await fetch(`${baseUrl}/audio/transcriptions`, { method: "POST", headers, body: form });
  const client = await openRealtimeClient({ baseUrl, token: keys.key });
  client.send(MANUAL);
  client.append(resample(wav));
  await client.until("conversation.item.input_audio_transcription.delta");
  expect(client.types()).not.toContain("input_audio_buffer.committed");
  client.send(COMMIT);
  const { transcript } = await client.until("conversation.item.input_audio_transcription.completed");
  const deltas = client.of("conversation.item.input_audio_transcription.delta").map(({ delta }) => delta);
  expect(deltas.join("")).toBe(transcript);
  const [expected, heard] = [listWords(await recorded.text()), listWords(transcript)];
  expect(expected.length).toBeGreaterThan(15);
  expect(heard.filter((word) => !expected.includes(word)).length).toBeLessThanOrEqual(1);
  expect(Math.abs(heard.length - expected.length)).toBeLessThanOrEqual(1);
});
