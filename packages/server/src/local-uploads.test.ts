/** Forms for a local engine: it gets the recording once, in pieces, and nothing else keeps it. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import type { TranscriptionEngine, TranscriptionRequest } from "@openai-compat/core";
import { expect, onTestFinished, test, vi } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const BYTES = 2_000_000;

/** It says when it has begun, and waits; it remembers recordings only as long as somebody else does. */
function createWaitingEngine() {
  const end = Promise.withResolvers<void>();
  const recordings: WeakRef<Uint8Array>[] = [];
  const seen: { readonly length: number; readonly isRight: boolean }[] = [];
  let begun = 0;
  const engine: TranscriptionEngine = {
    type: "transcription",
    limits: { concurrency: 4 },
    async prepare({ pieces, ...options }: TranscriptionRequest) {
      recordings.push(...pieces.map((piece) => new WeakRef(piece)));
      const bytes = Buffer.concat(pieces);
      const isRight = bytes.every((byte, index) => byte === (index * 31) % 251);
      seen.push({ length: bytes.length, isRight });
      return { audioId: String(seen.length), audioMs: 1000, options };
    },
    async *transcribe() {
      begun += 1;
      yield { type: "transcription-start", language: "en", languageProbability: 1 };
      await end.promise;
      yield { type: "transcription-end", tokens: { audioTokens: 50, promptTokens: 0, outputTokens: 0 } };
    },
    live: null,
    release() {},
    close: async () => {},
  };
  return { engine, recordings, seen, begun: () => begun, finish: () => end.resolve() };
}

async function start() {
  const waiting = createWaitingEngine();
  const limits = { bodyBytesMax: BYTES + 1000, accountBodiesBytesMax: BYTES + 1000, smallBodyBytesMax: 1000 };
  const { server, baseUrl, keys } = await startTestServer({
    engine: waiting.engine,
    models: [{ id: "ears", type: "transcription", isDefault: true, prices: FREE_OF_CHARGE }],
    config: { limits },
  });
  onTestFinished(() => server.close());
  onTestFinished(waiting.finish);
  const upload = async (stream: boolean) => {
    const form = new FormData();
    form.append(
      "file",
      new Blob([Buffer.from(Array.from({ length: BYTES }, (_, index) => (index * 31) % 251))]),
      "a.wav",
    );
    form.append("model", "ears");
    if (stream) form.append("stream", "true");
    const headers = { authorization: `Bearer ${keys.key}` };
    return fetch(`${baseUrl}/audio/transcriptions`, { method: "POST", body: form, headers });
  };
  return { ...waiting, upload };
}

/** Takes place only when it is asked for, as the next one may be far away. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}

test.each([false, true])(
  "a recording is out of memory and of the account's share when its transcription has begun (streamed: %s)",
  async (stream) => {
    const { upload, begun, recordings, seen, finish } = await start();
    const first = upload(stream);
    await vi.waitFor(() => expect(begun()).toBe(1), { timeout: 20_000 });
    expect(seen).toEqual([{ length: BYTES, isRight: true }]);
    expect(recordings.length).toBeGreaterThan(1);
    await vi.waitFor(
      () => {
        collectGarbage();
        expect(recordings.filter((piece) => piece.deref() !== undefined)).toEqual([]);
      },
      { timeout: 20_000 },
    );
    // There is room for one such file at a time.
    const second = upload(stream);
    await vi.waitFor(() => expect(begun()).toBe(2), { timeout: 20_000 });
    finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  },
);
