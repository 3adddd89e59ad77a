/** The native surface over a WebSocket: by the library's own client, and on the bare wire. */

import { setTimeout as delay } from "node:timers/promises";
import { generateApiKey } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test } from "vitest";
import { nativeUrl, openRawSocket, openSocketClient } from "../../../testing/native-client.ts";
import { startTestServer } from "../../../testing/test-server.ts";
import type { TestServerOptions } from "../../../testing/test-server.ts";
import { createWatchedEngine } from "../../../testing/watched-engine.ts";
import { MESSAGE_REQUESTS_MAX } from "./decode-message.ts";
import { UNKNOWN_SENDER_BYTES_MAX } from "./open-socket.ts";

const WAIT = { timeout: 20_000 };

async function start(options: TestServerOptions = {}) {
  const started = await startTestServer(options);
  onTestFinished(() => started.server.close());
  const { baseUrl, keys } = started;
  const open = (token: string | null = keys.key, query = "") => openRawSocket(baseUrl, { token, query });
  return { ...started, open };
}

/** @returns a condition on a message: it is the answer to this request. */
function answers(id: unknown, expected: object = {}) {
  return (message: unknown) => {
    try {
      expect(message).toMatchObject({ id, ...expected });
      return true;
    } catch {
      return false;
    }
  };
}

const HANDSHAKE = {
  upgrade: "websocket",
  connection: "upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const LIST = { method: "query", params: { path: "models.list" } };
const STREAM = { method: "subscription", params: { path: "promptStream", input: { prompt: "Say something." } } };

test("the library's client lists, prompts and streams over one connection", async () => {
  const { baseUrl, keys } = await start();
  const { client } = openSocketClient(baseUrl, keys.key);
  const [models, answer] = await Promise.all([
    client.models.list.query(),
    client.prompt.mutate({ prompt: "Hello", seed: 7 }),
  ]);
  expect(models.map(({ id }) => id)).toEqual(["scripted"]);
  const texts: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.promptStream.subscribe(
      { prompt: "Hello", seed: 7 },
      {
        onData: ({ data }) => void (data.type === "text-delta" && texts.push(data.text)),
        onComplete: resolve,
        onError: reject,
      },
    );
  });
  expect(texts.length).toBeGreaterThan(1);
  expect(texts.join("")).toBe(answer.text);
});

test("a call is logged with its operation, account and status, like a request", async () => {
  const { logLines, open } = await start();
  const socket = await open();
  socket.send({ id: 1, method: "mutation", params: { path: "prompt", input: { prompt: "Hello" } } });
  await socket.until(answers(1));
  await expect.poll(() => logLines.some((line) => line.includes('"/trpc/prompt"')), WAIT).toBe(true);
  const line: unknown = JSON.parse(logLines.find((candidate) => candidate.includes('"/trpc/prompt"')) ?? "");
  expect(line).toMatchObject({ method: "WS", operation: "prompt", account: "ada", status: 200, model: "scripted" });
});

test("a credential may come in the header, as a subprotocol or as the first message", async () => {
  const { baseUrl, keys, open } = await start();
  const byHeader = await open();
  byHeader.send({ id: 1, ...LIST });
  await byHeader.until(answers(1, { result: { type: "data" } }));
  const byMessage = await open(null, "?connectionParams=1");
  byMessage.send({ method: "connectionParams", data: { token: keys.key } });
  byMessage.send({ id: "a", ...LIST });
  await byMessage.until(answers("a", { result: { type: "data" } }));
  const address = nativeUrl(baseUrl).replace(/^http/, "ws");
  const bySubprotocol = new WebSocket(address, ["trpc", `openai-insecure-api-key.${keys.key}`]);
  await new Promise((resolve, reject) => {
    bySubprotocol.addEventListener("open", resolve);
    bySubprotocol.addEventListener("error", reject);
  });
  expect(bySubprotocol.protocol).toBe("trpc");
  bySubprotocol.close();
});

test.each([
  ["no credential", { authorization: "" }, 401, "invalid_api_key"],
  ["a wrong credential", { authorization: "Bearer nobody" }, 401, "invalid_api_key"],
])("before the upgrade %s is refused with a status", async (_name, headers, status, code) => {
  const { baseUrl } = await start();
  const { refusal } = await ask(baseUrl, { ...HANDSHAKE, ...headers });
  expect(refusal).toMatchObject({ status, body: { error: { code } } });
});

test("a page of another origin is refused, one that is allowed is not", async () => {
  const { baseUrl, keys } = await start({ config: { allowedOrigins: ["https://mine.example"] } });
  const handshake = { ...HANDSHAKE, authorization: `Bearer ${keys.key}` };
  const foreign = await ask(baseUrl, { ...handshake, origin: "https://other.example" });
  expect(foreign.refusal).toMatchObject({ status: 403 });
  expect(await ask(baseUrl, { ...handshake, origin: "https://mine.example" })).toMatchObject({ refusal: null });
});

test.each([
  ["a wrong token", { method: "connectionParams", data: { token: "nobody" } }, "invalid_api_key"],
  ["no token", { method: "connectionParams", data: null }, "invalid_api_key"],
  ["a token that is no text", { method: "connectionParams", data: { token: 7 } }, null],
  ["a call instead", { id: 1, ...LIST }, null],
  ["no JSON", "{", null],
])("a first message with %s is answered with an error, and the connection is closed", async (_name, first, code) => {
  const { open } = await start();
  const socket = await open(null, "?connectionParams=1");
  socket.send(first);
  socket.send({ id: 2, ...LIST });
  await socket.until(answers(null, { error: { data: code === null ? {} : { code } } }));
  expect(await socket.closed).toMatchObject({ code: 1008 });
  expect(socket.messages).toHaveLength(1);
});

test("a connection without its first message is closed in time, and a large first message at once", async () => {
  const { open } = await start({ config: { native: { openTimeMsMax: 100 } } });
  const silent = await open(null, "?connectionParams=1");
  expect(await silent.closed).toMatchObject({ code: 1008 });
  const large = await open(null, "?connectionParams=1");
  large.send({ method: "connectionParams", data: { token: "x".repeat(UNKNOWN_SENDER_BYTES_MAX) } });
  expect(await large.closed).not.toMatchObject({ code: 1000 });
});

const CALL = { id: 1, method: "query", params: { path: "models.list" } };

test.each<[string, unknown, unknown, object]>([
  ["no JSON", "{", null, { code: -32_600 }],
  ["a text", '"hello"', null, {}],
  ["an empty list", [], null, {}],
  ["null", "null", null, {}],
  ["no id", { ...CALL, id: undefined }, null, {}],
  ["an id that is null", { ...CALL, id: null }, null, {}],
  ["an id that is an object", { ...CALL, id: {} }, null, {}],
  ["an id that is too long", { ...CALL, id: "x".repeat(200) }, null, {}],
  ["no method", { ...CALL, method: undefined }, 1, {}],
  ["an unknown method", { ...CALL, method: "notify" }, 1, {}],
  ["no params", { ...CALL, params: undefined }, 1, {}],
  ["params that are a list", { ...CALL, params: [] }, 1, {}],
  ["a path that is no text", { ...CALL, params: { path: 5 } }, 1, {}],
  ["a last event that is no text", { ...CALL, params: { path: "models.list", lastEventId: 5 } }, 1, {}],
  ["an unknown procedure", { ...CALL, params: { path: "models.nothing" } }, 1, { data: { httpStatus: 404 } }],
  ["a procedure of another kind", { ...CALL, method: "mutation" }, 1, { data: { httpStatus: 404 } }],
  ["a name of the prototype", { ...CALL, params: { path: "__proto__" } }, 1, { data: { httpStatus: 404 } }],
  [
    "a wrong input",
    { ...CALL, method: "mutation", params: { path: "prompt", input: 5 } },
    1,
    { data: { httpStatus: 400 } },
  ],
  ["more requests than a message may have", Array.from({ length: MESSAGE_REQUESTS_MAX + 1 }, () => CALL), null, {}],
  ["what is nested too deep", `${"[".repeat(600)}${"]".repeat(600)}`, null, {}],
])("a message with %s is answered with an error, and the next one is served", async (_name, message, id, error) => {
  const { open } = await start();
  const socket = await open();
  socket.send(message);
  socket.send({ id: "next", ...LIST });
  await socket.until(answers("next", { result: { type: "data" } }));
  const refusal = await socket.until(answers(id, { error }));
  expect(refusal).toMatchObject({ error: { data: { type: "invalid_request_error", requestId: expect.any(String) } } });
});

test("of a batch with a malformed request the others are served", async () => {
  const { open } = await start();
  const socket = await open();
  socket.send([{ id: 1, ...LIST }, 5, { id: 2, method: "what" }, { id: 3, ...LIST }]);
  await Promise.all([
    socket.until(answers(1, { result: {} })),
    socket.until(answers(null, { error: {} })),
    socket.until(answers(2, { error: {} })),
    socket.until(answers(3, { result: {} })),
  ]);
  expect(socket.messages).toHaveLength(4);
});

test("a binary message is refused, and a message that is too large ends the connection", async () => {
  const { open } = await start({ config: { native: { messageBytesMax: 1000 } } });
  const socket = await open();
  socket.socket.send(Buffer.from(JSON.stringify({ id: 1, ...LIST })));
  await socket.until(answers(null, { error: {} }));
  socket.send(`"${"x".repeat(2000)}"`);
  expect(await socket.closed).toMatchObject({ code: 1009 });
});

test("pings that are messages are answered", async () => {
  const { open } = await start();
  const socket = await open();
  socket.send("PING");
  await socket.until((message) => message === "PONG");
  socket.send("PONG");
  socket.send({ id: 1, ...LIST });
  await socket.until(answers(1));
  expect(socket.messages).toHaveLength(2);
});

test("a subscription that the client stops ends, and its work with it", async () => {
  const engine = createWatchedEngine();
  const { open } = await start({ engine });
  const socket = await open();
  socket.send({ id: 1, ...STREAM });
  await socket.until(answers(1, { result: { type: "started" } }));
  await expect.poll(() => engine.running(), WAIT).toBe(1);
  socket.send({ id: 1, method: "subscription.stop" });
  await socket.until(answers(1, { result: { type: "stopped" } }));
  await expect.poll(() => engine.running(), WAIT).toBe(0);
  // The id is free again.
  socket.send({ id: 1, ...LIST });
  await socket.until(answers(1, { result: { type: "data", data: [{}] } }));
});

test("a call that the client stops is answered with an error, and a stop of no call with nothing", async () => {
  const engine = createWatchedEngine();
  const { open } = await start({ engine });
  const socket = await open();
  socket.send({ id: 9, method: "subscription.stop" });
  socket.send({ id: 1, method: "mutation", params: { path: "prompt", input: { prompt: "Hello" } } });
  await expect.poll(() => engine.running(), WAIT).toBe(1);
  socket.send({ id: 1, method: "subscription.stop" });
  await socket.until(answers(1, { error: { data: { code: "request_cancelled" } } }));
  expect(socket.messages).toHaveLength(1);
  await expect.poll(() => engine.running(), WAIT).toBe(0);
});

test("calls of a client that has disconnected are stopped", async () => {
  const engine = createWatchedEngine();
  const { open } = await start({ engine });
  const socket = await open();
  socket.send({ id: 1, method: "mutation", params: { path: "prompt", input: { prompt: "Hello" } } });
  await expect.poll(() => engine.running(), WAIT).toBe(1);
  socket.socket.terminate();
  await expect.poll(() => engine.running(), WAIT).toBe(0);
});

test("a connection has a limit of calls, and an id is of one call at a time", async () => {
  const { open } = await start({ engine: createWatchedEngine(), config: { native: { socketCallsMax: 1 } } });
  const socket = await open();
  socket.send({ id: 1, ...STREAM });
  await socket.until(answers(1, { result: { type: "started" } }));
  socket.send({ id: 2, ...LIST });
  await socket.until(answers(2, { error: { data: { httpStatus: 429 } } }));
  socket.send({ id: 1, ...LIST });
  await socket.until(answers(1, { error: { message: expect.stringContaining("has not ended") } }));
});

test("an account has a limit of connections, and a slot is free when one is closed", async () => {
  const { open, keys } = await start({ config: { native: { accountSocketsMax: 1 } } });
  const first = await open();
  await expect(open()).rejects.toThrow("429");
  await open(await keys.mintFor("grace"));
  const waiting = await open(null, "?connectionParams=1");
  await expect(open(null, "?connectionParams=1")).rejects.toThrow("429");
  waiting.send({ method: "connectionParams", data: { token: keys.key } });
  await waiting.until(answers(null, { error: { data: { httpStatus: 429 } } }));
  first.socket.close();
  await first.closed;
  await expect
    .poll(
      () =>
        open().then(
          () => true,
          () => false,
        ),
      WAIT,
    )
    .toBe(true);
});

test("what has no room among the bodies of its account is refused", async () => {
  // The message that arrives counts beside the one whose call runs.
  const limits = { bodyBytesMax: 4000, bodiesBytesMax: 8000, accountBodiesBytesMax: 4000, smallBodyBytesMax: 100 };
  const { open } = await start({ engine: createWatchedEngine(), config: { limits } });
  const socket = await open();
  socket.send({ id: 1, ...STREAM, params: { path: "promptStream", input: { prompt: "x".repeat(1500) } } });
  await socket.until(answers(1, { result: { type: "started" } }));
  socket.send({ id: 2, method: "mutation", params: { path: "prompt", input: { prompt: "x".repeat(1200) } } });
  await socket.until(answers(2, { error: { data: { httpStatus: 429 } } }));
});

test("a credential that is revoked ends the connection with an error, and serves no call", async () => {
  const started = await start({ engine: createWatchedEngine(), config: { native: { credentialCheckMs: 100 } } });
  const { secret, record } = generateApiKey({
    accountId: "ada",
    name: "revoked later",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
    expiresAtMs: null,
    nowMs: Date.now(),
  });
  await started.stores.apiKeys.insert(record);
  const socket = await started.open(secret);
  socket.send({ id: 1, ...STREAM });
  await socket.until(answers(1, { result: { type: "started" } }));
  await started.stores.apiKeys.revoke(record.id, Date.now());
  await socket.until(answers(1, { error: { data: { code: "invalid_api_key", httpStatus: 401 } } }));
  expect(await socket.closed).toMatchObject({ code: 1008 });
});

test("a server that stops lets calls end, refuses new ones, and says so to those that it cuts", async () => {
  const engine = createWatchedEngine();
  const started = await startTestServer({ engine, config: { limits: { shutdownTimeoutMs: 500 } } });
  const { baseUrl, keys } = started;
  const idle = await openRawSocket(baseUrl, { token: keys.key });
  const busy = await openRawSocket(baseUrl, { token: keys.key });
  busy.send({ id: 1, ...STREAM });
  await busy.until(answers(1, { result: { type: "started" } }));
  const closed = started.server.close();
  expect(await idle.closed).toMatchObject({ code: 1001 });
  busy.send({ id: 2, ...LIST });
  await busy.until(answers(2, { error: { data: { httpStatus: 503 } } }));
  await busy.until(answers(1, { error: { data: { code: "server_shutting_down", httpStatus: 503 } } }));
  expect(await busy.closed).toMatchObject({ code: 1001 });
  await closed;
  expect(engine.running()).toBe(0);
});

test("a call that ends while the server drains is answered, and then its connection is closed", async () => {
  const engine = createScriptedEngine({ tokenDelayMs: 20 });
  const started = await startTestServer({ engine });
  const socket = await openRawSocket(started.baseUrl, { token: started.keys.key });
  socket.send({ id: 1, ...STREAM });
  await socket.until(answers(1, { result: { type: "started" } }));
  const closed = started.server.close();
  await socket.until(answers(1, { result: { type: "stopped" } }));
  expect(await socket.closed).toMatchObject({ code: 1001 });
  await closed;
});

test("a client that never reads makes the server make no more than what fits between them", async () => {
  const engine = createWatchedEngine({ text: "word ".repeat(2000) });
  const { open } = await start({ engine, config: { native: { pingMs: 300 } } });
  const socket = await open();
  socket.send({ id: 1, ...STREAM });
  await socket.until(answers(1, { result: { type: "started" } }));
  socket.socket.pause();
  await delay(100);
  await expect.poll(() => engine.running(), WAIT).toBe(0);
});

interface Refusal {
  readonly status: number;
  readonly body: unknown;
}

/** Asks for a WebSocket. @returns how it was refused; null where it was not. */
async function ask(baseUrl: string, headers: Record<string, string>): Promise<{ refusal: Refusal | null }> {
  const { request } = await import("node:http");
  return new Promise((resolve, reject) => {
    const asking = request(nativeUrl(baseUrl), { headers });
    asking.on("error", reject);
    asking.on("upgrade", (_response, socket) => {
      socket.destroy();
      resolve({ refusal: null });
    });
    asking.on("response", (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve({ refusal: { status: response.statusCode ?? 0, body: JSON.parse(text) } }));
    });
    asking.end();
  });
}
