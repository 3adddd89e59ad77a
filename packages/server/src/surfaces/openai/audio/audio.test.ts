/** Transcriptions, translations and speech on local engines: from the request to the bytes of the answer. */

import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import {
  createSpeechResponseStreamEventSchema,
  createTranscriptionResponseStreamEventSchema,
} from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createWave } from "../../../testing/create-wave.ts";
import { createTestApp, readSseData } from "../../../testing/test-server.ts";

const { post, request } = await createTestApp({
  models: [
    { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
    { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
  ],
});

const TEXT = "The sea is wide. Rain falls on the roof!";

async function speak(fields: object = {}): Promise<Response> {
  return post("/v1/audio/speech", { model: "voice", input: TEXT, voice: "alloy", response_format: "wav", ...fields });
}

const spoken = new Uint8Array(await (await speak()).arrayBuffer());

type Fields = readonly (readonly [name: string, value: string])[];

interface SentForm {
  readonly operation?: "transcriptions" | "translations";
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

async function listen(fields: Fields = [], { operation = "transcriptions", bytes = spoken }: SentForm = {}) {
  const form = new FormData();
  form.append("file", new File([bytes], "a.wav"));
  if (!fields.some(([name]) => name === "model")) form.append("model", "ears");
  for (const [name, value] of fields) form.append(name, value);
  return request(`/v1/audio/${operation}`, { method: "POST", body: form });
}

test("a text is spoken as WAV, and what was spoken is transcribed", async () => {
  const response = await speak();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("audio/wav");
  expect(Buffer.from(spoken.subarray(0, 4)).toString()).toBe("RIFF");
  const heard = await listen();
  expect(heard.headers.get("content-type")).toBe("application/json");
  const seconds = Math.ceil((spoken.length - 44) / 48_000);
  expect(await heard.json()).toEqual({ text: TEXT, usage: { type: "duration", seconds } });
});

test("samples alone are what stands behind the header of the WAV file", async () => {
  const response = await speak({ response_format: "pcm" });
  expect(response.headers.get("content-type")).toBe("audio/pcm");
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(spoken.subarray(44));
});

test("speech as events has the same bytes as without, and ends with its usage", async () => {
  const response = await speak({ stream_format: "sse" });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const events = (await readSseData(response)).map((data) =>
    createSpeechResponseStreamEventSchema.parse(JSON.parse(data)),
  );
  const pieces = events.flatMap((event) => ("audio" in event ? [Buffer.from(event.audio, "base64")] : []));
  expect(Buffer.concat(pieces).equals(spoken)).toBe(true);
  expect(pieces.length).toBe(events.length - 1);
  expect(events.at(-1)).toMatchObject({ type: "speech.audio.done", usage: { input_tokens: expect.any(Number) } });
});

test("a streamed transcription has deltas that join to the text of its last event", async () => {
  const data = await readSseData(await listen([["stream", "true"]]));
  expect(data.at(-1)).toBe("[DONE]");
  const events = data
    .slice(0, -1)
    .map((event) => createTranscriptionResponseStreamEventSchema.parse(JSON.parse(event)));
  const deltas = events.flatMap((event) => ("delta" in event ? [event.delta] : []));
  expect(deltas.length).toBeGreaterThan(2);
  expect(deltas.join("")).toBe(TEXT);
  expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text: TEXT });
});

test("silence has an empty text", async () => {
  const heard = await listen([], { bytes: createWave({ seconds: 2 }) });
  expect(await heard.json()).toEqual({ text: "", usage: { type: "duration", seconds: 2 } });
});
