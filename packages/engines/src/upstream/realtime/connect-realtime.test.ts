import { AiError, type JsonRecord, type UpstreamRealtime, type UpstreamRealtimeRequest } from "@openai-compat/core";
import { createClonedUpstreamEngine } from "@openai-compat/core/cloned-engine";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { refuse, sendEvent, startRealtimeUpstream } from "../testing/fake-realtime.ts";
import { findDeadUrl, startRawUpstream, startUpstream } from "../testing/fake-upstream.ts";
import { API_KEY, createTestEngine, never, OUR_MODEL, rejection, UPSTREAM_MODEL } from "../testing/upstream-calls.ts";
import type { UpstreamEngineSettings } from "../upstream-settings.ts";

const NAMES: readonly string[] = [OUR_MODEL, "Our Model", "default"];
const isModel = (name: string) => NAMES.includes(name);

interface ConnectOptions {
  readonly request?: Partial<UpstreamRealtimeRequest>;
  readonly settings?: Partial<UpstreamEngineSettings>;
  readonly signal?: AbortSignal;
}

async function connect(
  baseUrls: readonly string[],
  { request, settings, signal = never }: ConnectOptions = {},
): Promise<UpstreamRealtime> {
  const { connectRealtime } = createTestEngine(baseUrls, settings);
  if (connectRealtime === null) throw new Error("It connects to nothing.");
  const sent = { path: "/realtime", intent: "model", modelId: OUR_MODEL, traceParent: null, ...request } as const;
  return connectRealtime(sent, { signal, isModel });
}

async function say(session: UpstreamRealtime, event: JsonRecord): Promise<void> {
  await session.send(session.encode({ text: JSON.stringify(event), event }));
}

/** The frames that come next. */
function reader(session: UpstreamRealtime) {
  const frames = session.frames[Symbol.asyncIterator]();
  return {
    next: async () => (await frames.next()).value,
    async event(): Promise<unknown> {
      const frame = (await frames.next()).value;
      if (frame?.type !== "upstream-frame") throw new Error(`No frame came, but ${frame?.type ?? "the end"}.`);
      return JSON.parse(frame.text);
    },
  };
}

const created = (model: string) => ({
  type: "session.created",
  event_id: "event_1",
  session: { type: "realtime", model, audio: { input: { transcription: { model } } } },
});

test("the upgrade has the upstream's model and our key, and nothing of the caller's but the trace", async () => {
  const upstream = await startRealtimeUpstream();
  const traceParent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  await connect([upstream.baseUrl], { request: { traceParent } });
  await connect([upstream.baseUrl], { request: { intent: "transcription" } });
  expect(upstream.requests.map(({ url }) => url)).toEqual([
    `/v1/realtime?model=${UPSTREAM_MODEL}`,
    "/v1/realtime?intent=transcription",
  ]);
  const headers = upstream.requests[0]?.headers ?? {};
  expect(headers.authorization).toBe(`Bearer ${API_KEY}`);
  expect(headers.traceparent).toBe(traceParent);
  expect(Object.keys(headers).filter((name) => name.startsWith("sec-websocket"))).toEqual([
    "sec-websocket-version",
    "sec-websocket-key",
  ]);
});

test("events pass both ways as they are, but for the model's name", async () => {
  const upstream = await startRealtimeUpstream({
    onOpen: (socket) => sendEvent(socket, created(UPSTREAM_MODEL)),
    onEvent: (event, socket) => socket.send(`{ "type":"unknown.echo",  "of": ${JSON.stringify(event)} }`),
  });
  const session = await connect([upstream.baseUrl]);
  const frames = reader(session);
  expect(await frames.event()).toEqual(created(OUR_MODEL));
  const update = (model: string) => ({
    type: "session.update",
    session: { type: "realtime", model, audio: { input: { transcription: { model, language: "en" } } }, x: [1] },
  });
  for (const name of NAMES) await say(session, update(name));
  expect(upstream.received.length).toBeLessThanOrEqual(NAMES.length);
  await say(session, { type: "made.up", model: OUR_MODEL });
  const echoes: unknown[] = [];
  for (let count = 0; count < 4; count += 1) echoes.push(await frames.next());
  expect(upstream.received).toEqual([
    ...NAMES.map(() => update(UPSTREAM_MODEL)),
    { type: "made.up", model: OUR_MODEL },
  ]);
  expect(echoes[3]).toEqual({
    type: "upstream-frame",
    text: `{ "type":"unknown.echo",  "of": {"type":"made.up","model":"${OUR_MODEL}"} }`,
  });
});

test("another model is refused by its field, unless the operator lets it transcribe", async () => {
  const upstream = await startRealtimeUpstream();
  const session = await connect([upstream.baseUrl], { settings: { transcriptionModels: ["whisper-1"] } });
  const update = (fields: JsonRecord) => ({ type: "session.update", session: { type: "realtime", ...fields } });
  const transcribeWith = (model: string) => update({ audio: { input: { transcription: { model } } } });
  const encode = (event: JsonRecord) => () => session.encode({ text: JSON.stringify(event), event });
  expect(encode(transcribeWith("dear-model"))).toThrow(
    expect.objectContaining({ code: "model_not_found", param: "session.audio.input.transcription.model" }),
  );
  expect(encode(update({ input_audio_transcription: { model: "dear-model" } }))).toThrow(
    expect.objectContaining({ param: "session.input_audio_transcription.model" }),
  );
  expect(encode(update({ model: "whisper-1" }))).toThrow(expect.objectContaining({ param: "session.model" }));
  expect(encode(update({ model: UPSTREAM_MODEL }))).toThrow(AiError);
  const allowed = transcribeWith("whisper-1");
  expect(encode(allowed)()).toBe(JSON.stringify(allowed));
});

test("a transcription session names the upstream's model where the caller names none", async () => {
  const upstream = await startRealtimeUpstream();
  const session = await connect([upstream.baseUrl], { request: { intent: "transcription" } });
  const event = { type: "session.update", session: { audio: { input: { transcription: { language: "en" } } } } };
  expect(JSON.parse(session.encode({ text: JSON.stringify(event), event }))).toMatchObject({
    session: { audio: { input: { transcription: { language: "en", model: UPSTREAM_MODEL } } } },
  });
});

test.each([
  ["400 Bad Request", { message: `no ${UPSTREAM_MODEL}`, code: "invalid_value", param: "x" }, "invalid_value"],
  ["401 Unauthorized", { message: `bad ${API_KEY}`, code: "invalid_api_key" }, "upstream_failed"],
  ["429 Too Many Requests", { message: "slow down" }, "upstream_rate_limited"],
  ["503 Service Unavailable", { message: "later" }, "upstream_unavailable"],
  ["404 Not Found", { message: "nothing here" }, "not_implemented"],
  ["404 Not Found", { message: "no", code: "model_not_found" }, "upstream_failed"],
  ["302 Found", { message: "elsewhere" }, "upstream_failed"],
  ["501 Not Implemented", { message: "no" }, "not_implemented"],
])("a refusal with %s and %o is thrown before the session: %s", async (status, error, code) => {
  const upstream = await startRealtimeUpstream({ refusal: refuse(status, JSON.stringify({ error })) });
  const thrown = await rejection(connect([upstream.baseUrl]));
  expect(thrown).toMatchObject({ name: "AiError", code });
  expect(String(thrown)).not.toContain(API_KEY);
  expect(String(thrown)).not.toContain(UPSTREAM_MODEL);
});

test("a refusal keeps its retry time, and one without end is not read to its end", async () => {
  const limited = await startRealtimeUpstream({ refusal: refuse("429 No", "{}", "retry-after: 7\r\n") });
  expect(await rejection(connect([limited.baseUrl]))).toMatchObject({ retryAfterMs: 7000 });
  const endless = await startRawUpstream((socket) => {
    socket.write("HTTP/1.1 503 No\r\ncontent-length: 1000000000\r\n\r\n{");
  });
  const settings = { stallTimeoutMs: 50 };
  expect(await rejection(connect([endless.baseUrl], { settings }))).toMatchObject({ code: "upstream_unavailable" });
});

test("an answer that is no upgrade is none", async () => {
  const plain = await startUpstream((response) => void response.end("{}"));
  expect(await rejection(connect([plain.baseUrl]))).toMatchObject({ code: "not_implemented" });
  const wrong = await startRawUpstream((socket) => {
    socket.write("HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: no\r\n\r\n");
  });
  expect(await rejection(connect([wrong.baseUrl]))).toMatchObject({ code: "upstream_failed" });
});

test("the next base URL is tried where none of the request went out, and no other", async () => {
  const upstream = await startRealtimeUpstream();
  const dead = await findDeadUrl();
  await connect([dead, upstream.baseUrl]);
  await connect([dead, upstream.baseUrl]);
  expect(upstream.requests).toHaveLength(2);
  expect(await rejection(connect([dead]))).toMatchObject({ code: "upstream_unavailable" });
  const silent = await startRawUpstream(() => {});
  const settings = { firstByteTimeoutMs: 50 };
  expect(await rejection(connect([silent.baseUrl], { settings }))).toMatchObject({ code: "upstream_timeout" });
  expect(silent.connections()).toBe(1);
});

test("sessions count as running, and broken ones open the circuit", async () => {
  const upstream = await startRealtimeUpstream();
  const engine = createTestEngine([upstream.baseUrl], { breakerFailuresMax: 1 });
  const open = () =>
    engine.connectRealtime?.(
      { path: "/realtime", intent: "model", modelId: OUR_MODEL, traceParent: null },
      { signal: never, isModel },
    );
  const session = await open();
  expect(engine.upstreams()).toMatchObject([{ running: 1, failures: 0, state: "closed" }]);
  const frames = session?.frames[Symbol.asyncIterator]();
  upstream.sockets[0]?.terminate();
  await expect(frames?.next()).rejects.toMatchObject({ code: "upstream_failed" });
  expect(engine.upstreams()).toMatchObject([{ running: 0, failures: 1, state: "open" }]);
  await expect(open()).rejects.toMatchObject({ code: "upstream_unavailable" });
});

test.each([
  [4000, `${UPSTREAM_MODEL} is gone`, { code: 4000, reason: `${OUR_MODEL} is gone` }],
  [1001, "", { code: 1001, reason: "" }],
  [undefined, undefined, { code: 1000, reason: "" }],
])("the upstream's close %s %s ends the session with %o", async (code, reason, close) => {
  const upstream = await startRealtimeUpstream({ onOpen: (socket) => socket.close(code, reason) });
  const frames = reader(await connect([upstream.baseUrl]));
  expect(await frames.next()).toEqual({ type: "upstream-close", ...close });
  expect(await frames.next()).toBeUndefined();
});

test.each<[string, (socket: WebSocket) => void]>([
  ["a binary message", (socket) => socket.send(Buffer.from("{}"))],
  ["a message that is too long", (socket) => socket.send("x".repeat(2000))],
])("%s ends the session with an error", async (_name, onOpen) => {
  const upstream = await startRealtimeUpstream({ onOpen });
  const session = await connect([upstream.baseUrl], { settings: { eventBytesMax: 1000 } });
  await expect(reader(session).next()).rejects.toMatchObject({ code: "upstream_failed" });
  await expect(session.send("{}")).rejects.toMatchObject({ code: "upstream_failed" });
});

test("an upstream that answers no ping is given up, one that answers is not", async () => {
  const settings = { stallTimeoutMs: 100 };
  const lost = await startRealtimeUpstream({ autoPong: false });
  await expect(reader(await connect([lost.baseUrl], { settings })).next()).rejects.toMatchObject({
    code: "upstream_timeout",
  });
  const quiet = await startRealtimeUpstream();
  const frames = reader(await connect([quiet.baseUrl], { settings }));
  const event = frames.event();
  await new Promise((resolve) => setTimeout(resolve, 500));
  sendEvent(must(quiet.sockets[0]), { type: "late" });
  expect(await event).toEqual({ type: "late" });
});

test("a reader that takes nothing stops the upstream, and a stopped upstream the sender", async () => {
  const text = JSON.stringify({ type: "x", filler: "x".repeat(100_000) });
  const flooding = await startRealtimeUpstream({
    onOpen: (socket) => {
      for (let count = 0; count < 500; count += 1) socket.send(text);
    },
  });
  const flooded = await connect([flooding.baseUrl], { settings: { readAheadBytesMax: 1000 } });
  await new Promise((resolve) => setTimeout(resolve, 300));
  // What was not read lies at the upstream: 50 MB are more than the buffers of any connection.
  expect(must(flooding.sockets[0]).bufferedAmount).toBeGreaterThan(20_000_000);
  const frames = reader(flooded);
  for (let count = 0; count < 500; count += 1) await frames.event();

  const stopped = await startRealtimeUpstream({ onOpen: (socket) => socket.pause() });
  const session = await connect([stopped.baseUrl]);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 500; sent += 1) await session.send(text);
  })();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(sent).toBeLessThan(300);
  must(stopped.sockets[0]).resume();
  await sending;
  await expect.poll(() => stopped.received.length).toBe(500);
});

test("an abort closes the connection and is thrown as it is, before and in a session", async () => {
  const silent = await startRawUpstream(() => {});
  const controller = new AbortController();
  const gone = new AiError("cancelled", "gone");
  const connecting = rejection(connect([silent.baseUrl], { signal: controller.signal }));
  await expect.poll(() => silent.connections()).toBe(1);
  controller.abort(gone);
  expect(await connecting).toBe(gone);
  await expect.poll(() => silent.openConnections()).toBe(0);

  const upstream = await startRealtimeUpstream();
  const later = new AbortController();
  const session = await connect([upstream.baseUrl], { signal: later.signal });
  const closed = new Promise((resolve) => upstream.sockets[0]?.on("close", resolve));
  const next = rejection(reader(session).next());
  later.abort(gone);
  expect(await next).toBe(gone);
  expect(await closed).toBe(1001);
  await expect(session.send("{}")).rejects.toBe(gone);
});

test("a caller's close reaches the upstream, whatever it was sending", async () => {
  const upstream = await startRealtimeUpstream({
    onOpen: (socket) => {
      for (let count = 0; count < 100; count += 1) socket.send("x".repeat(100_000));
    },
  });
  const session = await connect([upstream.baseUrl]);
  const closed = new Promise((resolve) => upstream.sockets[0]?.on("close", resolve));
  session.close();
  expect(await closed).toBe(1000);
});

test("errors in a session are the caller's in redacted words, and the operator's without any", async () => {
  const errors = [
    { type: "invalid_request_error", code: "x", message: `'${UPSTREAM_MODEL}' at http://gpu.internal/`, event_id: "e" },
    { type: "insufficient_quota", code: "insufficient_quota", message: "Pay your bill, organisation 17.", param: null },
  ];
  const failed = { id: "r", status: "failed", status_details: { type: "failed", error: errors[1] } };
  const upstream = await startRealtimeUpstream({
    onOpen(socket) {
      for (const error of errors) sendEvent(socket, { type: "error", event_id: "event_1", error });
      sendEvent(socket, { type: "response.done", event_id: "event_2", response: failed });
    },
  });
  const frames = reader(await connect([upstream.baseUrl]));
  expect(await frames.event()).toEqual({
    type: "error",
    event_id: "event_1",
    error: { type: "invalid_request_error", code: "x", message: `'${OUR_MODEL}' at [address]`, event_id: "e" },
  });
  const hidden = await frames.event();
  expect(hidden).toMatchObject({ error: { type: "server_error", code: "upstream_unavailable" } });
  const response = await frames.event();
  expect(response).toMatchObject({
    response: { id: "r", status_details: { error: { code: "upstream_unavailable" } } },
  });
  for (const event of [hidden, response]) expect(JSON.stringify(event)).not.toMatch(/organisation|quota/);
});

test("behind structured clones a session works the same", async () => {
  const upstream = await startRealtimeUpstream({
    onOpen: (socket) => sendEvent(socket, created(UPSTREAM_MODEL)),
    onEvent: (_event, socket) => socket.terminate(),
  });
  const { connectRealtime } = createClonedUpstreamEngine(createTestEngine([upstream.baseUrl]));
  const request = { path: "/realtime", intent: "model", modelId: OUR_MODEL, traceParent: null } as const;
  const session = await connectRealtime?.(request, { signal: never, isModel });
  if (session === undefined) throw new Error("It connects to nothing.");
  const frames = reader(session);
  expect(await frames.event()).toEqual(created(OUR_MODEL));
  await say(session, { type: "x" });
  await expect(frames.next()).rejects.toMatchObject({ name: "AiError", code: "upstream_failed" });
});

test("an upstream of other models connects to nothing", () => {
  expect(createTestEngine(["http://127.0.0.1:1/v1"], { operations: ["createEmbedding"] }).connectRealtime).toBeNull();
});

function must<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("It is not there.");
  return value;
}
