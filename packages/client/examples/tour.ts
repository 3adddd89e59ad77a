/** What an application does with the native surface, once for Node.js and once for a page: every type is inferred. */

import type { Client } from "@openai-compat/client";

/** Mono samples of 16 bits, little-endian, 24 kHz. */
export type Recording = Uint8Array;

/** 100 ms. */
const PIECE_BYTES = 4800;

/** Each part of the tour as a line of text, in order. */
export async function* takeTour(client: Client, recording: Recording): AsyncGenerator<string, void> {
  const models = await client.ai.models.list();
  yield `models: ${models.map(({ id, type }) => `${id} (${type})`).join(", ")}`;

  let answer = "";
  for await (const event of client.ai.promptStream({ prompt: "What is the sea?", maxOutputTokens: 64 })) {
    if (event.type === "text-delta") answer += event.text;
  }
  yield `answer: ${answer}`;

  const { vectors } = await client.ai.embed({ input: ["the sea", "the ocean"] });
  yield `vectors: ${vectors.length} of ${vectors[0]?.length ?? 0} dimensions`;

  yield `heard: ${await transcribe(client, recording)}`;

  const { audio, contentType } = await client.ai.speak({ text: "The sea is wide.", format: "wav" });
  yield `speech: ${atob(audio).length} bytes of ${contentType}`;
}

/** Hands a recording over as a microphone would, and reads the text while it comes. */
async function transcribe(client: Client, recording: Recording): Promise<string> {
  const { id } = await client.ai.transcription.open({ format: "pcm", turnDetection: null });
  const feeding = feed(client, id, recording);
  let heard = "";
  for await (const event of client.ai.transcription.text({ id })) {
    if (event.type === "text-delta") heard += event.text;
    if (event.type === "turn-failed" || event.type === "error") throw new Error(event.error.message);
  }
  await feeding;
  return heard;
}

async function feed(client: Client, id: string, recording: Recording): Promise<void> {
  for (let sequence = 0; sequence * PIECE_BYTES < recording.length; sequence += 1) {
    const piece = recording.subarray(sequence * PIECE_BYTES, (sequence + 1) * PIECE_BYTES);
    await client.ai.transcription.feed({ id, sequence, audio: btoa(String.fromCharCode(...piece)) });
  }
  await client.ai.transcription.commit({ id });
  await client.ai.transcription.close({ id });
}
