/** Live transcriptions over the native surface, by the library's own client, with the scripted ears. */

import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import type { TranscriptionEvent } from "@openai-compat/spec";
import { expect, onTestFinished, test } from "vitest";
import type { ConfigInput } from "../../../config.ts";
import { openSocketClient } from "../../../testing/native-client.ts";
import type { NativeClient } from "../../../testing/native-client.ts";
import { speakPcm } from "../../../testing/realtime-client.ts";
import { startTestServer } from "../../../testing/test-server.ts";

const WAIT = { timeout: 20_000 };
/** 100 ms of 24 kHz and 16 bits. */
const PIECE_BYTES = 4800;
const MANUAL = { format: "pcm", turnDetection: null } as const;

async function start(config: ConfigInput = {}) {
  const started = await startTestServer({
    models: [
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
    ],
    config,
  });
  onTestFinished(() => started.server.close());
  const { baseUrl, keys } = started;
  return {
    ...started,
    ...openSocketClient(baseUrl, keys.key),
    speak: (text: string) => speakPcm(baseUrl, keys.key, text),
  };
}

async function feed(client: NativeClient, id: string, audio: Buffer): Promise<number> {
  let sequence = 0;
  for (let at = 0; at < audio.length; at += PIECE_BYTES) {
    const piece = audio.subarray(at, at + PIECE_BYTES).toString("base64");
    await client.transcription.feed.mutate({ id, audio: piece, sequence });
    sequence += 1;
  }
  return sequence;
}

interface Reading {
  readonly events: readonly TranscriptionEvent[];
  readonly ids: readonly string[];
  /** Rejects with what ends the subscription with an error. */
  readonly ended: Promise<void>;
  readonly stop: () => void;
}

function read(client: NativeClient, id: string): Reading {
  const events: TranscriptionEvent[] = [];
  const ids: string[] = [];
  let stop = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    const subscription = client.transcription.text.subscribe(
      { id },
      {
        onData: ({ id: eventId, data }) => {
          ids.push(eventId);
          events.push(data);
        },
        onComplete: resolve,
        onError: reject,
      },
    );
    stop = () => subscription.unsubscribe();
  });
  ended.catch(() => {});
  return { events, ids, ended, stop };
}

function joinText(events: readonly TranscriptionEvent[]): string {
  return events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
}

test("what is spoken comes as text, from start to end, and each of its turns is a call that is paid for", async () => {
  const { client, speak, logLines } = await start();
  const { id } = await client.transcription.open.mutate(MANUAL);
  const reading = read(client, id);
  const audio = await speak("hello there");
  await feed(client, id, audio);
  await client.transcription.commit.mutate({ id });
  await client.transcription.close.mutate({ id });
  await reading.ended;
  const { events } = reading;
  expect(events[0]).toEqual({ type: "start", id });
  expect(events.at(-1)).toEqual({ type: "end", reason: "closed" });
  const completed = events.find(({ type }) => type === "turn-completed");
  expect(completed).toMatchObject({ text: "hello there", heardMs: expect.any(Number) });
  expect(joinText(events)).toBe("hello there");
  expect(events.filter(({ type }) => type === "error")).toEqual([]);
  expect(logLines.some((line) => line.includes('"operation":"transcription.text"'))).toBe(true);
  await expect.poll(() => logLines.some((line) => line.includes('"realtime session"')), WAIT).toBe(true);
});

test("with voice detection turns begin and end by themselves", async () => {
  const { client, speak } = await start();
  const { id } = await client.transcription.open.mutate({ format: "pcm" });
  const reading = read(client, id);
  const audio = Buffer.concat([await speak("good morning"), Buffer.alloc(48 * 1500)]);
  await feed(client, id, audio);
  await expect.poll(() => reading.events.map(({ type }) => type), WAIT).toContain("turn-completed");
  const types = reading.events.map(({ type }) => type);
  expect(types.indexOf("speech-started")).toBeLessThan(types.indexOf("speech-stopped"));
  await client.transcription.close.mutate({ id });
  await reading.ended;
});

test("a piece that comes twice is heard once, and a gap is an error", async () => {
  const { client, speak } = await start();
  const { id } = await client.transcription.open.mutate(MANUAL);
  const audio = (await speak("once")).toString("base64");
  const first = await client.transcription.feed.mutate({ id, audio, sequence: 0 });
  expect(await client.transcription.feed.mutate({ id, audio, sequence: 0 })).toEqual(first);
  await expect(client.transcription.feed.mutate({ id, audio, sequence: 2 })).rejects.toMatchObject({
    data: { httpStatus: 400, param: "sequence" },
  });
  const reading = read(client, id);
  await client.transcription.commit.mutate({ id });
  await client.transcription.close.mutate({ id });
  await reading.ended;
  expect(joinText(reading.events)).toBe("once");
});

test.each([
  ["audio that is no base64", { audio: "%%%%", sequence: 0 }, "audio"],
  ["a sequence below 0", { audio: "AAAA", sequence: -1 }, "sequence"],
  ["a sequence that is no whole number", { audio: "AAAA", sequence: 0.5 }, "sequence"],
])("%s is refused, and the transcription goes on", async (_name, piece, param) => {
  const { client } = await start();
  const { id } = await client.transcription.open.mutate(MANUAL);
  await expect(client.transcription.feed.mutate({ id, ...piece })).rejects.toMatchObject({
    data: { httpStatus: 400, param },
  });
  await client.transcription.feed.mutate({ id, audio: "AAAA", sequence: 0 });
});

test("nobody reaches a transcription of another account", async () => {
  const { client, baseUrl, keys } = await start();
  const { id } = await client.transcription.open.mutate(MANUAL);
  const { client: other } = openSocketClient(baseUrl, await keys.mintFor("grace"));
  const refusal = { data: { httpStatus: 400, param: "id" } };
  await expect(other.transcription.feed.mutate({ id, audio: "AAAA", sequence: 0 })).rejects.toMatchObject(refusal);
  await expect(other.transcription.commit.mutate({ id })).rejects.toMatchObject(refusal);
  await expect(other.transcription.close.mutate({ id })).rejects.toMatchObject(refusal);
  await expect(read(other, id).ended).rejects.toMatchObject(refusal);
  await client.transcription.feed.mutate({ id, audio: "AAAA", sequence: 0 });
});

test("an account has a limit of transcriptions, and one that is closed makes room", async () => {
  const { client } = await start({ native: { accountTranscriptionsMax: 1 } });
  const { id } = await client.transcription.open.mutate(MANUAL);
  await expect(client.transcription.open.mutate(MANUAL)).rejects.toMatchObject({ data: { httpStatus: 429 } });
  await client.transcription.close.mutate({ id });
  await expect
    .poll(
      () =>
        client.transcription.open.mutate(MANUAL).then(
          () => true,
          () => false,
        ),
      WAIT,
    )
    .toBe(true);
});

test("a transcription that nobody feeds ends, and so does one whose reader stops", async () => {
  const { client } = await start({ realtime: { idleMsMax: 300 } });
  const { id } = await client.transcription.open.mutate(MANUAL);
  const idle = read(client, id);
  await idle.ended;
  expect(idle.events.at(-1)).toEqual({ type: "end", reason: "idle" });
  const second = await client.transcription.open.mutate(MANUAL);
  const left = read(client, second.id);
  await expect.poll(() => left.events.length, WAIT).toBeGreaterThan(0);
  left.stop();
  const feedAgain = () => client.transcription.feed.mutate({ id: second.id, audio: "AAAA", sequence: 0 });
  await expect
    .poll(
      () =>
        feedAgain().then(
          () => null,
          ({ data }: { data: unknown }) => data,
        ),
      WAIT,
    )
    .toMatchObject({ param: "id" });
});

test("its text has one subscription", async () => {
  const { client } = await start();
  const { id } = await client.transcription.open.mutate(MANUAL);
  const reading = read(client, id);
  await expect.poll(() => reading.events.length, WAIT).toBe(1);
  await expect(read(client, id).ended).rejects.toMatchObject({ data: { httpStatus: 400, param: "id" } });
});

test("a model that can't listen to live audio is refused", async () => {
  const { client } = await start();
  const input = { ...MANUAL, model: "voice" };
  await expect(client.transcription.open.mutate(input)).rejects.toMatchObject({ data: { httpStatus: 400 } });
  const unknown = { ...MANUAL, model: "nothing" };
  await expect(client.transcription.open.mutate(unknown)).rejects.toMatchObject({ data: { httpStatus: 404 } });
});

test("a server that stops ends the transcription, and says why", async () => {
  const { client, server } = await start({ limits: { shutdownTimeoutMs: 2000 } });
  const { id } = await client.transcription.open.mutate(MANUAL);
  const reading = read(client, id);
  await expect.poll(() => reading.events.length, WAIT).toBe(1);
  await server.close();
  await expect.poll(() => reading.events.at(-1), WAIT).toEqual({ type: "end", reason: "shutting-down" });
});
