/**
 * Forms that were cut, or whose bytes were flipped, sent to the app itself: each gets an answer, and nothing is left
 * over.
 */

import { FREE_OF_CHARGE } from "@openai-compat/core";
import { errorResponseSchema } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createWave } from "./testing/create-wave.ts";
import { createTestApp, startTestServer } from "./testing/test-server.ts";
import { createTranscribingEngine } from "./testing/transcribing-engine.ts";

const OPTIONS = {
  engine: createTranscribingEngine(),
  models: [{ id: "scribe", type: "transcription" as const, isDefault: true, prices: FREE_OF_CHARGE }],
  config: { rateLimits: { refusalsPerMinute: null } },
};
const RUNS = 10_000;
const RUNS_ON_SOCKETS = 200;

const WHOLE = Buffer.concat([
  Buffer.from('--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nscribe\r\n'),
  Buffer.from(
    '--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n',
  ),
  createWave({ seconds: 0.005 }),
  Buffer.from('\r\n--B\r\nContent-Disposition: form-data; name="language"\r\n\r\nen\r\n--B--\r\n'),
]);

/** Where to cut; what to write where; two places to swap the bytes behind. */
const damage = fc.record({
  cut: fc.oneof(fc.constant(WHOLE.length), fc.nat(WHOLE.length)),
  flips: fc.array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { maxLength: 6 }),
  repeats: fc.option(fc.tuple(fc.nat(WHOLE.length), fc.nat(80)), { freq: 5 }),
});

function spoil({ cut, flips, repeats }: typeof damage extends fc.Arbitrary<infer Value> ? Value : never): Buffer {
  const bytes = Buffer.from(WHOLE.subarray(0, cut));
  for (const [index, byte] of flips) if (index < cut) bytes[index] = byte;
  if (repeats === null) return bytes;
  const [from, length] = repeats;
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(Math.max(0, from - length))]);
}

async function expectAnswer(response: Response): Promise<void> {
  const body: unknown = await response.json();
  if (response.status === 200) expect(body).toEqual({ text: "The sea." });
  else {
    expect([400, 404]).toContain(response.status);
    errorResponseSchema.parse(body);
  }
}

const HEADERS = { "content-type": "multipart/form-data; boundary=B" };

test("ten thousand damaged forms each get an answer or a refusal in the envelope", { timeout: 120_000 }, async () => {
  const { request, internalErrors } = await createTestApp(OPTIONS);
  const counts = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(damage, async (value) => {
      const body = new Uint8Array(spoil(value));
      const response = await request("/v1/audio/transcriptions", { method: "POST", body, headers: HEADERS });
      counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
      await expectAnswer(response);
    }),
    { numRuns: RUNS, seed: 4711, endOnFailure: true },
  );
  expect(internalErrors).toEqual([]);
  // The damage is such that both happen.
  expect(counts.get(200)).toBeGreaterThan(RUNS / 50);
  expect(counts.get(400)).toBeGreaterThan(RUNS / 2);
});

function streamOf(bytes: Uint8Array<ArrayBuffer>, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (let start = 0; start < bytes.length; start += size) controller.enqueue(bytes.slice(start, start + size));
      controller.close();
    },
  });
}

test("over sockets too, in chunks of any size, and the server goes on", { timeout: 60_000 }, async () => {
  const { server, baseUrl, keys } = await startTestServer(OPTIONS);
  onTestFinished(() => server.close());
  const send = (path: string, body: NonNullable<RequestInit["body"]>) =>
    fetch(`${baseUrl}/audio/${path}`, {
      method: "POST",
      body,
      headers: { ...HEADERS, authorization: `Bearer ${keys.key}` },
      duplex: "half",
    });
  const paths = fc.constantFrom("transcriptions", "translations");
  await fc.assert(
    fc.asyncProperty(damage, paths, fc.integer({ min: 1, max: 100 }), async (value, path, size) => {
      const bytes = new Uint8Array(spoil(value));
      const whole = await send(path, bytes);
      const inChunks = await send(path, streamOf(bytes, size));
      expect(inChunks.status).toBe(whole.status);
      expect(await inChunks.clone().json()).toEqual(await whole.clone().json());
      await Promise.all([whole, inChunks].map(expectAnswer));
    }),
    { numRuns: RUNS_ON_SOCKETS, seed: 4711, endOnFailure: true },
  );
  const fileBegun = WHOLE.subarray(0, WHOLE.indexOf("RIFF") + 10);
  const cut = await send("transcriptions", new Uint8Array(fileBegun));
  expect(cut.status).toBe(400);
  expect(errorResponseSchema.parse(await cut.json()).error.message).toContain("ends before its last boundary");
  expect((await send("transcriptions", new Uint8Array(WHOLE))).status).toBe(200);
});

test("a compressed form is refused unread", async () => {
  const { request } = await createTestApp(OPTIONS);
  const headers = { ...HEADERS, "content-encoding": "gzip" };
  const response = await request("/v1/audio/transcriptions", { method: "POST", body: new Uint8Array(WHOLE), headers });
  expect(response.status).toBe(415);
});
