/** Realtime sessions against the whole server, with a credential in a header and as a subprotocol. */

import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "../index.ts";
import type { RealtimeSession } from "../index.ts";
import { watchCall } from "../http/call-watch.ts";
import { openWithSubprotocol } from "./open-socket.ts";
import { createRealtimeSession } from "./realtime-session.ts";
import type { SessionOptions } from "./realtime-session.ts";
import { findSessionChecks } from "./schemas.ts";

const SENTENCE = "The sea is wide.";
const PIECE_BYTES = 4800;
const MANUAL = { type: "transcription", audio: { input: { turn_detection: null } } } as const;

async function start() {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  const client = createClient({ baseURL: baseUrl, token: keys.key, retry: { attempts: 1 } });
  return { baseUrl, keys, client };
}

async function openLikeBrowsers(baseUrl: string, token: string, options: Partial<SessionOptions> = {}) {
  const watch = watchCall(null, 20_000);
  const url = `${baseUrl.replace("http", "ws")}/realtime?intent=transcription`;
  return openWithSubprotocol({ url, token, headers: {}, watch }, (socket) =>
    createRealtimeSession(socket, { watch, checks: findSessionChecks(), ...options }),
  );
}

async function speak({ client }: Awaited<ReturnType<typeof start>>): Promise<Buffer> {
  const input = { model: "scripted-speech", input: SENTENCE, voice: "alloy", response_format: "pcm" as const };
  return Buffer.from(await (await client.v1.createSpeech(input)).arrayBuffer());
}

async function transcribe(session: RealtimeSession, audio: Buffer): Promise<string> {
  session.send({ type: "session.update", session: MANUAL });
  for (let at = 0; at < audio.length; at += PIECE_BYTES) {
    session.send({
      type: "input_audio_buffer.append",
      audio: audio.subarray(at, at + PIECE_BYTES).toString("base64"),
    });
  }
  session.send({ type: "input_audio_buffer.commit" });
  for await (const event of session) {
    if (event.type === "conversation.item.input_audio_transcription.completed") return event.transcript;
    if (event.type === "error") throw new Error(event.error.message);
  }
  throw new Error("The session ended without a transcript.");
}

test("a session transcribes what it is sent, and ends when it is closed", async () => {
  const started = await start();
  const audio = await speak(started);
  const sessions = [
    await started.client.v1.connectRealtime({ intent: "transcription" }),
    await openLikeBrowsers(started.baseUrl, started.keys.key),
  ];
  for (const session of sessions) {
    expect(await transcribe(session, audio)).toBe(SENTENCE);
    session.close();
    for await (const event of session) expect(event.type).toMatch(/./);
    expect(() => session.send({ type: "input_audio_buffer.commit" })).toThrow(
      expect.objectContaining({ code: "session_closed" }),
    );
  }
});

test("a refusal before the upgrade is the server's error", async () => {
  const { baseUrl } = await start();
  const refused = createClient({ baseURL: baseUrl, token: "sk-wrong" }).v1.connectRealtime({ intent: "transcription" });
  await expect(refused).rejects.toMatchObject({ kind: "api", status: 401, code: "invalid_api_key" });
  await expect(openLikeBrowsers(baseUrl, "sk-wrong")).rejects.toMatchObject({ kind: "connection" });
  await expect(openLikeBrowsers(baseUrl, "a token with spaces")).rejects.toMatchObject({ kind: "invalid-request" });
});

test("an event of another shape is refused before it is sent", async () => {
  const { client } = await start();
  const session = await client.v1.connectRealtime({ intent: "transcription" });
  // @ts-expect-error -- audio is a text
  expect(() => session.send({ type: "input_audio_buffer.append", audio: 7 })).toThrow(
    expect.objectContaining({ kind: "invalid-request", param: "audio" }),
  );
  session.close();
});

test("the signal ends a session, and the loop says so", async () => {
  const { client } = await start();
  const controller = new AbortController();
  const session = await client.v1.connectRealtime({ intent: "transcription" }, { signal: controller.signal });
  const reading = (async () => {
    for await (const event of session) if (event.type === "session.created") controller.abort();
  })();
  await expect(reading).rejects.toMatchObject({ kind: "aborted" });
});

test("a session whose events nobody takes is closed", async () => {
  const { baseUrl, keys } = await start();
  const session = await openLikeBrowsers(baseUrl, keys.key, { waitingCharactersMax: 10 });
  const reading = (async () => {
    for await (const event of session) expect(event.type).toBe("session.created");
  })();
  await expect(reading).rejects.toMatchObject({ code: "events_not_taken" });
});

test("what can't be sent for now is bounded", async () => {
  const { baseUrl, keys } = await start();
  const session = await openLikeBrowsers(baseUrl, keys.key, { unsentBytesMax: -1 });
  expect(() => session.send({ type: "input_audio_buffer.commit" })).toThrow(
    expect.objectContaining({ code: "too_much_unsent" }),
  );
  session.close();
});
