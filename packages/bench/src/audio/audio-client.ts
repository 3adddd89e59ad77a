/** Sends texts to be spoken and recordings to be heard, as the official SDK does, on connections that stay open. */

import { Pool } from "undici";
import type { ServerTarget } from "../local-server.ts";

export interface Spoken {
  /** A WAV file. */
  readonly wav: Uint8Array<ArrayBuffer>;
  readonly firstByteMs: number;
  readonly wholeMs: number;
}

export interface Heard {
  readonly text: string;
  readonly audioSeconds: number;
  /** Of each window's text. */
  readonly tokens: readonly number[];
}

export interface AudioClient {
  /** @throws Error on any answer but a complete one */
  speak(model: string, text: string): Promise<Spoken>;
  /** @throws Error on any answer but a complete one */
  hear(model: string, wav: Uint8Array<ArrayBuffer>): Promise<Heard>;
  close(): Promise<void>;
}

interface VerboseTranscription {
  readonly text: string;
  readonly duration: number;
  readonly segments: readonly { readonly seek: number; readonly tokens: readonly number[] }[];
}

const HEADER_BYTES = 44;

export function openAudioClient({ baseUrl, apiKey }: ServerTarget): AudioClient {
  const { origin, pathname } = new URL(baseUrl);
  const pool = new Pool(origin, { connections: 4, headersTimeout: 0, bodyTimeout: 0 });
  const authorization = `Bearer ${apiKey}`;
  return {
    async speak(model, input) {
      const startedAt = performance.now();
      const answer = await pool.request({
        path: `${pathname}/audio/speech`,
        method: "POST",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ model, input, voice: "marin", response_format: "wav" }),
      });
      if (answer.statusCode !== 200)
        throw new Error(`speech was answered with ${answer.statusCode}: ${await answer.body.text()}`);
      const chunks: Buffer[] = [];
      let firstByteMs = Number.NaN;
      let received = 0;
      for await (const chunk of answer.body) {
        if (!Buffer.isBuffer(chunk)) throw new Error("speech came as text");
        chunks.push(chunk);
        received += chunk.length;
        if (Number.isNaN(firstByteMs) && received > HEADER_BYTES) firstByteMs = performance.now() - startedAt;
      }
      return { wav: new Uint8Array(Buffer.concat(chunks)), firstByteMs, wholeMs: performance.now() - startedAt };
    },
    async hear(model, wav) {
      const form = new FormData();
      form.set("model", model);
      form.set("response_format", "verbose_json");
      form.set("file", new Blob([wav]), "speech.wav");
      const encoded = new Response(form);
      const answer = await pool.request({
        path: `${pathname}/audio/transcriptions`,
        method: "POST",
        headers: { authorization, "content-type": encoded.headers.get("content-type") ?? "" },
        body: new Uint8Array(await encoded.arrayBuffer()),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`a recording was answered with ${answer.statusCode}: ${text}`);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's answer, checked by its own tests
      const heard = JSON.parse(text) as VerboseTranscription;
      const windows = Map.groupBy(heard.segments, ({ seek }) => seek);
      const tokens = [...windows.values()].map((segments) =>
        segments.reduce((sum, segment) => sum + segment.tokens.length, 0),
      );
      return { text: heard.text, audioSeconds: heard.duration, tokens };
    },
    close: () => pool.close(),
  };
}
