/**
 * The official SDK's realtime client against the whole server: both types of session, both ways of ending a turn, and
 * every event validated against the specification.
 */

import { connect } from "node:net";
import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import { realtimeServerEventSchema, validateShape } from "@openai-compat/spec";
import type { RealtimeServerEvent } from "@openai-compat/spec";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { expect, onTestFinished, test } from "vitest";
import { speakPcm } from "./testing/realtime-client.ts";
import { startTestServer } from "./testing/test-server.ts";

const TEXTS = ["The sea is wide.", "Rain falls on 3 roofs!"];
const SILENCE = Buffer.alloc(48_000);
const PREFIX = "conversation.item.input_audio_transcription";

type SessionType = "transcription" | "realtime";
type Update = Parameters<OpenAIRealtimeWS["send"]>[0] & { readonly type: "session.update" };

async function start() {
  const { server, baseUrl, keys } = await startTestServer({
    models: [
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
    ],
  });
  onTestFinished(() => server.close());
  const spoken: Buffer[] = [];
  for (const text of TEXTS) spoken.push(await speakPcm(baseUrl, keys.key, text));
  return { client: new OpenAI({ apiKey: keys.key, baseURL: baseUrl }), spoken };
}

/** The SDK speaks TLS alone; over a plain socket it is the same. */
function openSession(client: OpenAI, type: SessionType) {
  const createConnection = ({ host, port }: { readonly host?: string; readonly port?: number }) =>
    connect({ host: host ?? "", port: Number(port) });
  const query = type === "transcription" ? ({ intent: "transcription" } as const) : { model: "gpt-realtime" };
  // @ts-expect-error -- `createConnection` of a socket has other overloads
  const session = new OpenAIRealtimeWS({ ...query, options: { createConnection } }, client);
  onTestFinished(() => session.socket.terminate());
  const events: RealtimeServerEvent[] = [];
  const errors: Error[] = [];
  session.on("error", (error) => errors.push(error));
  session.on("event", (event) => {
    expect(validateShape(realtimeServerEventSchema, event)).toEqual([]);
    events.push(realtimeServerEventSchema.parse(event));
  });
  const until = (type_: RealtimeServerEvent["type"], count = 1) =>
    expect.poll(() => events.filter(({ type: came }) => came === type_).length, { timeout: 20_000 }).toBe(count);
  const of = <Type extends RealtimeServerEvent["type"]>(wanted: Type) =>
    events.filter((event): event is Extract<RealtimeServerEvent, { readonly type: Type }> => event.type === wanted);
  const append = (audio: Buffer) => {
    for (let at = 0; at < audio.length; at += 4800) {
      session.send({ type: "input_audio_buffer.append", audio: audio.subarray(at, at + 4800).toString("base64") });
    }
  };
  return { session, events, errors, until, of, append };
}

function updateOf(type: SessionType, isManual: boolean): Update {
  const detection = { type: "server_vad", silence_duration_ms: 300 } as const;
  const input = { transcription: { model: "ears" }, turn_detection: isManual ? null : detection };
  return { type: "session.update", session: { type, audio: { input } } };
}

const CASES = (["transcription", "realtime"] as const).flatMap((type) =>
  [true, false].map((isManual) => ({ type, isManual })),
);

test.each(CASES)("turns of a $type session, committed by the client: $isManual", async ({ type, isManual }) => {
  const { client, spoken } = await start();
  const { session, events, errors, until, of, append } = openSession(client, type);
  await until("session.created");
  session.send(updateOf(type, isManual));
  await until("session.updated");
  for (const audio of spoken) {
    append(isManual ? audio : Buffer.concat([SILENCE, audio, SILENCE]));
    if (isManual) session.send({ type: "input_audio_buffer.commit" });
  }
  await until(`${PREFIX}.completed`, TEXTS.length);

  const committed = of("input_audio_buffer.committed");
  const ids = committed.map(({ item_id }) => item_id);
  expect(committed.map(({ previous_item_id }) => previous_item_id)).toEqual([null, ids[0]]);
  expect(of("conversation.item.added").map(({ item }) => item.id)).toEqual(ids);
  expect(of("conversation.item.done").map(({ item }) => item.id)).toEqual(ids);
  expect(of("input_audio_buffer.speech_started").map(({ item_id }) => item_id)).toEqual(isManual ? [] : ids);
  expect(of("input_audio_buffer.speech_stopped").map(({ item_id }) => item_id)).toEqual(isManual ? [] : ids);
  for (const [index, id] of ids.entries()) {
    const completed = of(`${PREFIX}.completed`).find(({ item_id }) => item_id === id);
    const deltas = of(`${PREFIX}.delta`).filter(({ item_id }) => item_id === id);
    expect(completed?.transcript).toBe(TEXTS[index]);
    expect(deltas.map(({ delta }) => delta).join("")).toBe(TEXTS[index]);
    expect(deltas.length).toBeGreaterThan(3);
    const place = (wanted: RealtimeServerEvent["type"]) =>
      events.findIndex((event) => event.type === wanted && "item_id" in event && event.item_id === id);
    expect(place("input_audio_buffer.committed")).toBeLessThan(place(`${PREFIX}.completed`));
  }
  const eventIds = events.map((event) => ("event_id" in event ? event.event_id : ""));
  expect(new Set(eventIds).size).toBe(events.length);
  expect(errors).toEqual([]);
});

test("what a client does wrong is said to the SDK as an error with its event's id, and the session goes on", async () => {
  const { client, spoken } = await start();
  const { session, errors, until, append } = openSession(client, "transcription");
  await until("session.created");
  session.send(updateOf("transcription", true));
  session.send({ type: "input_audio_buffer.commit", event_id: "too-early" });
  session.send({ ...updateOf("realtime", true), event_id: "wrong-type" });
  session.send({ type: "response.create", event_id: "no-voice" });
  append(spoken[0] ?? SILENCE);
  session.send({ type: "input_audio_buffer.commit" });
  await until(`${PREFIX}.completed`);
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/code=input_audio_buffer_commit_empty .*event_id=too-early/),
    expect.stringMatching(/code=invalid_parameter param=session\.type .*event_id=wrong-type/),
    expect.stringMatching(/event_id=no-voice/),
  ]);
});

test("text comes while somebody speaks, and while nothing is sent", async () => {
  const { client, spoken } = await start();
  const { session, until, of, append } = openSession(client, "transcription");
  await until("session.created");
  session.send(updateOf("transcription", false));
  const [audio = SILENCE] = spoken;
  append(audio.subarray(0, audio.length / 2));
  await expect.poll(() => of(`${PREFIX}.delta`).length, { timeout: 20_000 }).toBeGreaterThan(2);
  expect(of("input_audio_buffer.speech_stopped")).toEqual([]);
  append(Buffer.concat([audio.subarray(audio.length / 2), SILENCE]));
  await until(`${PREFIX}.completed`);
  expect(of(`${PREFIX}.completed`)[0]?.transcript).toBe(TEXTS[0]);
});
