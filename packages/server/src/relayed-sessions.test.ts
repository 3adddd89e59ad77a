/** Realtime sessions of an upstream's model through a whole server: of our own as the upstream, and of scripted ones. */

import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import type { UpstreamEngineSettings } from "@openai-compat/engines";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { ConfigInput } from "./config.ts";
import { startGateway } from "./testing/test-gateway.ts";
import { COMMIT, MANUAL, openRealtimeClient, speakPcm } from "./testing/realtime-client.ts";
import { startTestServer } from "./testing/test-server.ts";

const SAID = "Far away.";

async function startEars() {
  const second = await startTestServer({
    models: [
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
    ],
  });
  onTestFinished(() => second.server.close());
  const speech = await speakPcm(second.baseUrl, second.keys.key, SAID);
  return { second, speech, settings: { baseUrls: [second.baseUrl], apiKey: second.keys.key, model: "ears" } };
}

async function startRelay(upstream: Partial<UpstreamEngineSettings>, config: ConfigInput = {}) {
  const gateway = await startGateway(upstream, "transcription", config);
  const { baseUrl, keys } = gateway;
  return {
    ...gateway,
    open: (query?: string) =>
      openRealtimeClient({ baseUrl, token: keys.key, ...(query === undefined ? {} : { query }) }),
  };
}

interface Scripted {
  readonly baseUrls: readonly string[];
  readonly sockets: readonly WebSocket[];
  readonly received: readonly Record<string, unknown>[];
}

/** @param onOpen called with each session */
async function startScripted(onOpen: (socket: WebSocket) => void): Promise<Scripted> {
  const http = createServer();
  const sockets: WebSocket[] = [];
  const received: Record<string, unknown>[] = [];
  new WebSocketServer({ server: http }).on("connection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("message", (data) => {
      const event: Record<string, unknown> = JSON.parse(Buffer.isBuffer(data) ? data.toString() : "");
      received.push(event);
    });
    onOpen(socket);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.terminate();
    await new Promise((resolve) => http.close(resolve));
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The upstream listens on no TCP port.");
  return { baseUrls: [`http://127.0.0.1:${address.port}/v1`], sockets, received };
}

/** A plain client, for what no specification has. */
async function openPlain(baseUrl: string, key: string, query = "model=far") {
  const socket = new WebSocket(`${baseUrl.replace(/^http/, "ws")}/realtime?${query}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  onTestFinished(() => socket.terminate());
  const texts: string[] = [];
  socket.on("message", (data) => texts.push(Buffer.isBuffer(data) ? data.toString() : ""));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  return { socket, texts, closed };
}

/** @returns the answer in the place of an upgrade. */
async function refuse(address: string, key: string): Promise<{ status: number; body: string }> {
  const socket = new WebSocket(address, { headers: { authorization: `Bearer ${key}` } });
  socket.on("error", () => {});
  return new Promise<{ status: number; body: string }>((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
}

test.each(["intent=transcription", "model=far", "model=Far"])(
  "a turn is transcribed by the server behind the server, and paid for as that reports (%s)",
  async (query) => {
    const { settings, speech } = await startEars();
    const { open, usage } = await startRelay(settings);
    const client = await open(query);
    const type = query.startsWith("intent") ? "transcription" : "realtime";
    const created = await client.until("session.created");
    expect(JSON.stringify(created)).not.toContain("ears");
    client.send({ ...MANUAL, session: { ...MANUAL.session, type } });
    await client.until("session.updated");
    client.append(speech);
    client.send(COMMIT);
    const completed = await client.until("conversation.item.input_audio_transcription.completed");
    expect(completed).toMatchObject({ transcript: SAID, usage: { type: "duration" } });
    const deltas = client.of("conversation.item.input_audio_transcription.delta").map(({ delta }) => delta);
    expect(deltas.join("")).toBe(SAID);
    client.socket.close();
    const heardMs = Math.round(speech.length / 48);
    await expect.poll(usage).toMatchObject([{ operation: "ai_transcription", units: { audioMs: heardMs } }]);
  },
);

test("turns that the upstream detects pass with their times, and silence costs nothing", async () => {
  const { settings, speech } = await startEars();
  const { open, usage } = await startRelay(settings);
  const client = await open();
  client.append(Buffer.concat([Buffer.alloc(96_000), speech, Buffer.alloc(96_000)]));
  const { usage: reported } = await client.until("conversation.item.input_audio_transcription.completed");
  expect(client.of("input_audio_buffer.speech_started")[0]?.audio_start_ms).toBeGreaterThan(500);
  client.socket.close();
  const seconds = "seconds" in reported ? reported.seconds : 0;
  expect(seconds).toBeLessThan(2.5);
  await expect.poll(usage).toMatchObject([{ units: { audioMs: Math.ceil(seconds * 1000) } }]);
});

test("a name of the model is mapped both ways, another is refused, and the session goes on", async () => {
  const { settings } = await startEars();
  const { open } = await startRelay(settings);
  const client = await open();
  const update = (model: string) => ({
    type: "session.update",
    event_id: `update_${model}`,
    session: { type: "transcription", audio: { input: { transcription: { model } } } },
  });
  client.send(update("default"));
  const updated = await client.until("session.updated");
  expect(updated).toMatchObject({ session: { audio: { input: { transcription: { model: "far" } } } } });
  client.send(update("ears"));
  const { error } = await client.until("error");
  expect(error).toMatchObject({
    code: "model_not_found",
    param: "session.audio.input.transcription.model",
    event_id: "update_ears",
  });
  client.send("no json");
  expect((await client.until("error", 2)).error).toMatchObject({ code: "invalid_json" });
  client.send(update("far"));
  await client.until("session.updated", 2);
});

test("what a client secret says of its session is said to the upstream first, with the model by its name there", async () => {
  const upstream = await startScripted(() => {});
  const relay = await startRelay({ baseUrls: upstream.baseUrls, model: "ears" });
  const { value } = await relay.client.realtime.clientSecrets.create({
    session: {
      type: "transcription",
      audio: { input: { turn_detection: null, transcription: { model: "whisper-1", language: "en" } } },
    },
  });
  const client = await openPlain(relay.baseUrl, value, "intent=transcription");
  client.socket.send('{"type":"input_audio_buffer.clear"}');
  await expect.poll(() => upstream.received).toHaveLength(2);
  expect(upstream.received).toEqual([
    {
      type: "session.update",
      session: {
        type: "transcription",
        audio: { input: { turn_detection: null, transcription: { model: "ears", language: "en" } } },
      },
    },
    { type: "input_audio_buffer.clear" },
  ]);
});

test("what the upstream refuses is refused before the upgrade, without its words about us", async () => {
  const { settings } = await startEars();
  const wrongKey = await startRelay({ ...settings, apiKey: "sk-canary-wrong" });
  const url = `${wrongKey.baseUrl.replace(/^http/, "ws")}/realtime?intent=transcription`;
  const { status, body } = await refuse(url, wrongKey.keys.key);
  expect([status, JSON.parse(body)]).toMatchObject([500, { error: { code: "upstream_failed" } }]);
  expect(body).not.toContain("canary");
  const dead = await startRelay({ baseUrls: ["http://127.0.0.1:9/v1"] });
  const unreachable = await refuse(`${dead.baseUrl.replace(/^http/, "ws")}/realtime?model=far`, dead.keys.key);
  expect([unreachable.status, JSON.parse(unreachable.body)]).toMatchObject([
    503,
    { error: { code: "upstream_unavailable" } },
  ]);
});

test("an upstream that answers too late is given up, and its slot with it", async () => {
  const connections = new Set<object>();
  const silent = createTcpServer((connection) => {
    connections.add(connection);
    connection.on("error", () => {});
    connection.on("close", () => connections.delete(connection));
    connection.resume();
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void silent.close(() => resolve())));
  const address = silent.address();
  if (address === null || typeof address === "string") throw new Error("The upstream listens on no TCP port.");
  const baseUrls = [`http://127.0.0.1:${address.port}/v1`];
  const relay = await startRelay({ baseUrls }, { realtime: { openTimeMsMax: 300 } });
  const url = `${relay.baseUrl.replace(/^http/, "ws")}/realtime?model=far`;
  expect(await refuse(url, relay.keys.key)).toMatchObject({ status: 503 });
  await expect.poll(() => connections.size).toBe(0);
  expect(await relay.usage()).toEqual([]);
});

test("an upstream that is lost is reported by an event, then the connection is closed; a close of it is passed on", async () => {
  const lost = await startScripted((socket) => socket.send('{"type":"session.created"}'));
  const relay = await startRelay({ baseUrls: lost.baseUrls });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  await expect.poll(() => client.texts).toHaveLength(1);
  lost.sockets[0]?.terminate();
  expect(await client.closed).toMatchObject({ code: 1011 });
  expect(JSON.parse(client.texts[1] ?? "")).toMatchObject({ type: "error", error: { code: "upstream_failed" } });

  const closing = await startScripted((socket) => socket.close(4321, "enough"));
  const other = await startRelay({ baseUrls: closing.baseUrls });
  const closed = await openPlain(other.baseUrl, other.keys.key);
  expect(await closed.closed).toEqual({ code: 4321, reason: "enough" });
});

test("a client that leaves closes the session at the upstream", async () => {
  const upstream = await startScripted(() => {});
  const relay = await startRelay({ baseUrls: upstream.baseUrls });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  const closed = new Promise((resolve) => upstream.sockets[0]?.on("close", resolve));
  client.socket.terminate();
  expect([1000, 1001]).toContain(await closed);
});

test("responses are paid for by their tokens", async () => {
  const usage = { total_tokens: 50, input_tokens: 30, output_tokens: 20 };
  const upstream = await startScripted((socket) => {
    socket.send(JSON.stringify({ type: "response.created", response: { id: "r" } }));
    socket.send(JSON.stringify({ type: "response.done", response: { id: "r", usage } }));
  });
  const relay = await startRelay({ baseUrls: upstream.baseUrls, contextTokens: 1000 });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  await expect.poll(() => client.texts).toHaveLength(2);
  client.socket.close();
  await expect.poll(relay.usage).toMatchObject([{ amount: -50, units: { inputTokens: 30, outputTokens: 20 } }]);
});

test("a response that the credits don't cover ends the session, and so does audio", async () => {
  const upstream = await startScripted(() => {});
  // A million micro-credits: four contexts of each kind cost more.
  const relay = await startRelay({ baseUrls: upstream.baseUrls, contextTokens: 100_000 });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  for (let count = 0; count < 8; count += 1) client.socket.send('{"type":"response.create"}');
  expect(await client.closed).toMatchObject({ code: 1008 });
  expect(JSON.parse(client.texts.at(-1) ?? "")).toMatchObject({ type: "error", error: { code: "insufficient_quota" } });
  expect(upstream.received.length).toBeLessThan(5);
});

test("a client that does not read stops the upstream, and gets everything when it reads again", async () => {
  const frame = JSON.stringify({ type: "x", filler: "x".repeat(200_000) });
  const upstream = await startScripted((socket) => {
    for (let count = 0; count < 250; count += 1) socket.send(frame);
  });
  const relay = await startRelay({ baseUrls: upstream.baseUrls });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  client.socket.pause();
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(upstream.sockets[0]?.bufferedAmount).toBeGreaterThan(20_000_000);
  client.socket.resume();
  await expect.poll(() => client.texts.length, { timeout: 20_000 }).toBe(250);
});

test("when the server shuts down, the clients of its relayed sessions get an error", async () => {
  const upstream = await startScripted(() => {});
  const relay = await startRelay({ baseUrls: upstream.baseUrls });
  const client = await openPlain(relay.baseUrl, relay.keys.key);
  await relay.server.close();
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(JSON.parse(client.texts[0] ?? "")).toMatchObject({ type: "error", error: { code: "server_shutting_down" } });
});
