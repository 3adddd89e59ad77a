import { createServer } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import type { CheckContext } from "./check-context.ts";
import { createCheckContext } from "./create-check-context.ts";
import { encodeReplay } from "./encode-curl.ts";

const KEY = "sk-test-0123456789";

interface TestServer {
  readonly context: CheckContext;
  readonly controller: AbortController;
}

async function serveSockets(onSocket: (socket: WebSocket) => void): Promise<TestServer> {
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: "/v1/realtime" });
  sockets.on("connection", onSocket);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const target = { baseUrl: `http://127.0.0.1:${address.port}/v1`, keys: { full: KEY }, models: { chat: "m" } };
  const controller = new AbortController();
  return { context: createCheckContext({ target, signal: controller.signal }).context, controller };
}

test("messages of both sides are recorded in their order, and those of the SDK as it saw them", async () => {
  const { context } = await serveSockets((socket) => {
    socket.send('{"type":"session.created","event_id":"e1"}');
    socket.on("message", () => socket.send('{"type":"echo"}'));
  });
  const connection = await context.realtime({ query: "?intent=transcription", throughSdk: true });
  expect(await connection.waitFor("session.created", { withinMs: 5000 })).toMatchObject({ event_id: "e1" });
  connection.send({ type: "input_audio_buffer.commit" });
  expect(await connection.waitFor("echo", { withinMs: 5000 })).not.toBeNull();
  connection.close();
  expect(await connection.waitForClosure(5000)).toEqual({ code: 1000, reason: "" });

  const { messages = [], response, request } = connection.exchange();
  expect(messages.map(({ from, type }) => `${from} ${type}`)).toEqual([
    "server text",
    "client text",
    "server text",
    "client close",
    "server close",
  ]);
  expect(response).toMatchObject({ status: 101, end: "clean" });
  expect(request.headers["authorization"]).toBe(`Bearer ${KEY}`);
  expect(connection.sdk).toEqual({ types: ["session.created", "echo"], errors: [] });
});

test("the official SDK reaches a server without TLS, although it asks for wss", async () => {
  const { context } = await serveSockets((socket) => socket.send('{"type":"session.created"}'));
  const connection = await context.realtime({ query: "?model=a%2Fb+c", throughSdk: true });
  expect(connection.opened).toBe(true);
});

test("a message that is no JSON is an error of the SDK and an event without a type", async () => {
  const { context } = await serveSockets((socket) => socket.send("hello"));
  const connection = await context.realtime({ query: "?intent=transcription", throughSdk: true });
  await connection.until(() => connection.events.length > 0, 5000);
  expect(connection.events[0]).toMatchObject({ text: "hello", value: {} });
  expect(connection.sdk.errors).toHaveLength(1);
});

test("a wait ends when its time is up, and when the connection does", async () => {
  const { context } = await serveSockets((socket) => socket.on("message", () => socket.close(4000, "beta")));
  const connection = await context.realtime({ query: "" });
  expect(await connection.waitFor("never", { withinMs: 20 })).toBeNull();
  connection.send("x");
  expect(await connection.waitFor("never", { withinMs: 60_000 })).toBeNull();
  expect(connection.closure).toEqual({ code: 4000, reason: "beta" });
});

test("the end of a check ends its connections", async () => {
  const closed: number[] = [];
  const { context, controller } = await serveSockets((socket) => socket.on("close", (code) => closed.push(code)));
  const connection = await context.realtime({ query: "" });
  controller.abort(new Error("over"));
  await connection.waitForClosure(5000);
  expect(connection.closure?.code).toBe(1006);
  await expect(context.realtime({ query: "" })).rejects.toThrow("over");
});

test("a failure's line asks for the upgrade, then names what to send, without the key", async () => {
  const { context } = await serveSockets(() => {});
  const connection = await context.realtime({ query: "?intent=transcription" });
  connection.send({ type: "input_audio_buffer.append", audio: "A".repeat(1000) });
  connection.sendBinary(Uint8Array.of(1, 2));
  const line = encodeReplay(connection.exchange(), { full: KEY });
  expect(line).toContain("/v1/realtime?intent=transcription");
  expect(line).toContain("upgrade: websocket");
  expect(line).toContain('"authorization: Bearer $OPENAI_API_KEY"');
  expect(line).toMatch(/# then send: \{"type":"input_audio_buffer.append","audio":"A+… ; \(binary AQI=\)$/);
  expect(line).not.toContain(KEY);
});
