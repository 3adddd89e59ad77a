/** Realtime sessions of a whole server, with scripted engines. */

import { connect } from "node:net";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { expect, onTestFinished, test } from "vitest";
import { COMMIT, MANUAL } from "./testing/realtime-client.ts";
import { startRealtimeServer as start } from "./testing/realtime-server.ts";

const PAID = { ...FREE_OF_CHARGE, perMinuteOfAudio: 60_000 };

test("the official SDK transcribes a turn that it commits", async () => {
  const { baseUrl, keys, speak } = await start();
  const audio = await speak("The sea.");
  const client = new OpenAI({ apiKey: keys.key, baseURL: baseUrl });
  const createConnection = (options: { readonly host?: string; readonly port?: number }) =>
    connect({ host: options.host ?? "", port: Number(options.port) });
  const realtime = new OpenAIRealtimeWS(
    // @ts-expect-error -- the SDK forces `wss:`; what it connects by is a plain socket, whose type has other overloads
    { intent: "transcription", options: { createConnection } },
    client,
  );
  onTestFinished(() => realtime.socket.terminate());
  const errors: unknown[] = [];
  realtime.on("error", (error) => errors.push(error));
  const deltas: string[] = [];
  realtime.on("conversation.item.input_audio_transcription.delta", ({ delta }) => deltas.push(delta ?? ""));
  realtime.on("session.created", () =>
    realtime.send({
      type: "session.update",
      session: { type: "transcription", audio: { input: { turn_detection: null } } },
    }),
  );
  realtime.on("session.updated", () => {
    realtime.send({ type: "input_audio_buffer.append", audio: audio.toString("base64") });
    realtime.send({ type: "input_audio_buffer.commit" });
  });
  const completed = await new Promise<{ readonly transcript: string; readonly usage: unknown }>((resolve) =>
    realtime.on("conversation.item.input_audio_transcription.completed", resolve),
  );
  expect(completed.transcript).toBe("The sea.");
  expect(deltas.join("")).toBe("The sea.");
  expect(completed.usage).toEqual({ type: "duration", seconds: expect.any(Number) });
  expect(errors).toEqual([]);
});

test("a turn that is detected has its events in OpenAI's order, with one item", async () => {
  const { open, speak } = await start();
  const client = await open();
  const silence = Buffer.alloc(48_000);
  client.append(Buffer.concat([silence, await speak("Hello."), silence]));
  await client.until("conversation.item.input_audio_transcription.completed");
  const types = client.types().filter((type) => !type.endsWith(".delta"));
  expect(types).toEqual([
    "session.created",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
  ]);
  const [started] = client.of("input_audio_buffer.speech_started");
  expect(started?.audio_start_ms).toBeGreaterThan(500);
  const id = started?.item_id;
  expect(client.of("conversation.item.input_audio_transcription.completed")).toMatchObject([
    { item_id: id, transcript: "Hello.", content_index: 0 },
  ]);
  expect(client.of("conversation.item.done")).toMatchObject([
    { previous_item_id: null, item: { id, role: "user", content: [{ type: "input_audio" }] } },
  ]);
  expect(new Set(client.events.map((event) => "event_id" in event && event.event_id)).size).toBe(client.events.length);
});

test("a session for a model that speaks at OpenAI is a realtime session that transcribes", async () => {
  const { open, speak } = await start();
  const client = await open("model=gpt-realtime");
  const input = { transcription: { model: "ears", language: "en", delay: "low" }, turn_detection: null };
  const session = { type: "realtime", instructions: "Be kind.", audio: { input, output: { voice: "marin" } } };
  client.send({ type: "session.update", session });
  const updated = await client.until("session.updated");
  expect(updated.session).toMatchObject({ ...session, model: "gpt-realtime", object: "realtime.session" });
  client.append(await speak("Hi."));
  client.send(COMMIT);
  expect(await client.until("conversation.item.input_audio_transcription.completed")).toMatchObject({
    transcript: "Hi.",
  });
});

test.each([
  ["{", "invalid_json", null],
  ["", "invalid_json", null],
  ["[]", "invalid_json", null],
  ["null", "invalid_json", null],
  [`${"[".repeat(600)}${"]".repeat(600)}`, "invalid_json", null],
  ["{}", "missing_required_parameter", "type"],
  ['{"type":7}', "invalid_value", "type"],
  ['{"type":"session.upd"}', "invalid_value", "type"],
  ['{"type":"input_audio_buffer.commit","event_id":7}', "invalid_value", "event_id"],
  [`{"type":"input_audio_buffer.commit","event_id":"${"x".repeat(513)}"}`, "invalid_value", "event_id"],
  ['{"type":"input_audio_buffer.append"}', "missing_required_parameter", "audio"],
  ['{"type":"input_audio_buffer.append","audio":7}', "invalid_type", "audio"],
  ['{"type":"input_audio_buffer.append","audio":"%%%%"}', "invalid_value", "audio"],
  ['{"type":"input_audio_buffer.append","audio":"AAAAA"}', "invalid_value", "audio"],
  ['{"type":"input_audio_buffer.append","audio":""}', "invalid_value", "audio"],
  ['{"type":"input_audio_buffer.commit"}', "input_audio_buffer_commit_empty", null],
  ['{"type":"response.create"}', "unsupported_event", "type"],
  ['{"type":"conversation.item.delete","item_id":"item_none"}', "item_not_found", "item_id"],
  ['{"type":"conversation.item.retrieve"}', "missing_required_parameter", "item_id"],
  ['{"type":"session.update"}', "missing_required_parameter", "session"],
  ['{"type":"session.update","session":[]}', "invalid_type", "session"],
  ['{"type":"session.update","session":{}}', "missing_required_parameter", "session.type"],
  ['{"type":"session.update","session":{"type":"realtime"}}', "invalid_parameter", "session.type"],
  ['{"type":"session.update","session":{"type":"transcription","voice":"x"}}', "unknown_parameter", "session.voice"],
])("%s is answered with an error, and the session goes on", async (text, code, param) => {
  const { open } = await start();
  const client = await open();
  client.send(text);
  const { error } = await client.until("error");
  expect(error).toMatchObject({ type: "invalid_request_error", code, param, message: expect.any(String) });
  client.send(MANUAL);
  await client.until("session.updated");
});

test.each([
  [{ turn_detection: { type: "server_vad", threshold: 2 } }, "invalid_value", "turn_detection.threshold"],
  [
    { turn_detection: { type: "server_vad", prefix_padding_ms: 5001 } },
    "invalid_value",
    "turn_detection.prefix_padding_ms",
  ],
  [{ turn_detection: { silence_duration_ms: 60_001 } }, "invalid_value", "turn_detection.silence_duration_ms"],
  [{ turn_detection: { type: "none" } }, "invalid_value", "turn_detection.type"],
  [{ turn_detection: { type: "semantic_vad", threshold: 0.5 } }, "unknown_parameter", "turn_detection.threshold"],
  [{ format: { type: "audio/pcm", rate: 16_000 } }, "invalid_value", "format.rate"],
  [{ transcription: { langauge: "en" } }, "unknown_parameter", "transcription.langauge"],
  [{ transcription: { language: "en", languages: ["en"] } }, "invalid_value", "transcription.languages"],
  [{ transcription: { model: "no-such-model" } }, "model_not_found", "transcription.model"],
  [{ noise_reduction: { type: "all" } }, "invalid_value", "noise_reduction.type"],
])("an update to %j is refused by the name of its field, with the id of its event", async (input, code, place) => {
  const { open } = await start();
  const client = await open();
  client.send({ type: "session.update", event_id: "mine", session: { type: "transcription", audio: { input } } });
  const { error } = await client.until("error");
  expect(error).toMatchObject({ code, param: `session.audio.input.${place}`, event_id: "mine" });
  client.send(MANUAL);
  const { session } = await client.until("session.updated");
  expect(session).toMatchObject({ audio: { input: { transcription: { model: "default" } } } });
});

test("updates are merged into what there is", async () => {
  const { open } = await start();
  const client = await open();
  const update = (input: object) =>
    client.send({ type: "session.update", session: { type: "transcription", audio: { input } } });
  update({
    turn_detection: { silence_duration_ms: 900, create_response: false },
    noise_reduction: { type: "far_field" },
  });
  update({ turn_detection: { threshold: 0.7 }, transcription: { prompt: "Sea.", keywords: ["foam"] } });
  update({ format: { type: "audio/pcmu" } });
  const { session } = await client.until("session.updated", 3);
  expect(session).toMatchObject({
    id: expect.stringMatching(/^sess_/),
    object: "realtime.transcription_session",
    expires_at: expect.any(Number),
    audio: {
      input: {
        format: { type: "audio/pcmu" },
        noise_reduction: { type: "far_field" },
        transcription: { model: "default", prompt: "Sea.", keywords: ["foam"] },
        turn_detection: {
          type: "server_vad",
          silence_duration_ms: 900,
          threshold: 0.7,
          prefix_padding_ms: 300,
          create_response: false,
        },
      },
    },
  });
  update({ turn_detection: null });
  const last = await client.until("session.updated", 4);
  expect(last.session.audio?.input?.turn_detection).toBeNull();
});

test.each([
  '{"type":"transcription_session.update","session":{}}',
  '{"type":"session.update","session":{"input_audio_format":"pcm16"}}',
])("%s is of the beta: an error and the code 4000", async (text) => {
  const { open } = await start();
  const client = await open();
  client.send(text);
  expect(await client.closed).toMatchObject({ code: 4000 });
  expect(client.of("error")).toMatchObject([{ error: { code: "beta_api_shape_disabled" } }]);
});

test("a binary message is answered with an error, a fragmented text is a text", async () => {
  const { open } = await start();
  const client = await open();
  client.socket.send(Buffer.from(JSON.stringify(MANUAL)));
  expect((await client.until("error")).error.message).toContain("binary");
  const text = JSON.stringify(MANUAL);
  client.socket.send(text.slice(0, 10), { fin: false });
  client.socket.send(text.slice(10, 30), { fin: false });
  client.socket.ping();
  client.socket.send(text.slice(30), { fin: true });
  await client.until("session.updated");
});

test("a thousand malformed messages get a thousand errors, and the next one its answer", async () => {
  const { open } = await start();
  const client = await open();
  for (let count = 0; count < 1000; count += 1) client.send(["{", "[]", '{"type":1}', "\u0000"][count % 4] ?? "");
  client.send(MANUAL);
  await client.until("session.updated");
  expect(client.of("error")).toHaveLength(1000);
});

test("the revocation of a key ends its sessions with an error", async () => {
  const { open, stores, sessionLine } = await start({ realtime: { credentialCheckMs: 50 } });
  const client = await open();
  await client.until("session.created");
  const [record] = await stores.apiKeys.list();
  await stores.apiKeys.revoke(record?.id ?? "", Date.now());
  expect((await client.until("error")).error.code).toBe("invalid_api_key");
  expect(await client.closed).toMatchObject({ code: 1008 });
  expect(await sessionLine()).toMatchObject({ cause: "credential" });
});

test("the expiry of a token ends its session", async () => {
  const { open, keys } = await start({ realtime: { credentialCheckMs: 100 } });
  // Thirty seconds of tolerance for clocks that differ, and one more.
  const client = await open(undefined, await keys.mintFor("ada", undefined, -29));
  await client.until("session.created");
  expect((await client.until("error")).error.code).toBe("invalid_api_key");
  expect(await client.closed).toMatchObject({ code: 1008 });
});

test("an account without credits gets no session", async () => {
  const { open } = await start({}, { prices: PAID });
  await expect(open()).rejects.toThrow("429");
});

test("credits that end in a session end it, and what was heard is paid for", async () => {
  const { open, stores, speak, sessionLine } = await start({ realtime: { holdMs: 1000 } }, { prices: PAID });
  await stores.credits.grant({ id: "g", accountId: "ada", amount: 2500, note: "", nowMs: Date.now() });
  const client = await open();
  client.send(MANUAL);
  await client.until("session.updated");
  client.append(await speak("The sea is everything. It covers seven tenths of the terrestrial globe."));
  client.send(COMMIT);
  expect((await client.until("error")).error.code).toBe("insufficient_quota");
  expect(await client.closed).toMatchObject({ code: 1008 });
  expect(await sessionLine()).toMatchObject({ cause: "quota" });
  const { balance, held } = await stores.credits.readBalance("ada");
  expect(held).toBe(0);
  expect(balance).toBeGreaterThanOrEqual(0);
  expect(balance).toBeLessThan(2500);
});

test("a server that stops tells its sessions, and waits for their turns", async () => {
  const { open, server, sessionLine } = await start();
  const client = await open();
  await client.until("session.created");
  const stopped = server.close();
  expect((await client.until("error")).error.code).toBe("server_shutting_down");
  expect(await client.closed).toMatchObject({ code: 1001 });
  await stopped;
  expect(await sessionLine()).toMatchObject({ cause: "shutting-down", closeCode: 1001 });
});

test("a server that stops waits no longer than it may for a client that does not close", async () => {
  const { open, server } = await start({ limits: { shutdownTimeoutMs: 50 } });
  const client = await open();
  await client.until("session.created");
  client.socket.pause();
  await server.close();
});

test("the log has a line for a session, with what was heard, and no word of it", async () => {
  const { open, speak, sessionLine, logLines, baseUrl } = await start();
  const client = await open();
  client.send(MANUAL);
  await client.until("session.updated");
  client.append(await speak("Canary."));
  client.send(COMMIT);
  await client.until("conversation.item.input_audio_transcription.completed");
  const metricsOf = async () => (await fetch(new URL("/metrics", baseUrl))).text();
  expect(await metricsOf()).toContain("openai_compat_realtime_sessions_open 1");
  client.socket.close(1000);
  expect(await sessionLine()).toMatchObject({
    operation: "connectRealtime",
    account: "ada",
    cause: "client",
    closeCode: 1000,
    turns: 1,
    failedTurns: 0,
    heardMs: expect.any(Number),
    receivedMs: expect.any(Number),
    requestId: expect.stringMatching(/^req_/),
  });
  expect(logLines.join("\n")).not.toContain("Canary");
  const metrics = await metricsOf();
  expect(metrics).toContain("openai_compat_realtime_sessions_open 0");
  expect(metrics).toContain('openai_compat_realtime_sessions_total{cause="client"} 1');
  expect(metrics).toMatch(
    /openai_compat_calls_total\{operation="connectRealtime",model="ears",outcome="completed"\} 1/,
  );
});
