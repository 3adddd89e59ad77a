import { connect } from "node:net";
import { request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { errorResponseSchema } from "@openai-compat/spec";
import { afterEach, expect, test, vi } from "vitest";
import { createWatchedEngine } from "./testing/watched-engine.ts";
import { talk } from "./testing/talk.ts";
import { readSseData, startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";

const started: Awaited<ReturnType<typeof startTestServer>>[] = [];
afterEach(async () => {
  for (const { server } of started.splice(0)) await server.close();
});

async function start(options: TestServerOptions = {}) {
  const running = await startTestServer(options);
  started.push(running);
  const port = Number(new URL(running.baseUrl).port);
  const chat = (body: object, init: RequestInit = {}) =>
    fetch(`${running.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${running.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "default", messages: [{ role: "user", content: "Hello" }], ...body }),
      ...init,
    });
  return { ...running, port, chat };
}

test.each([{ stream: false }, { stream: true }])(
  "a client that disconnects frees the engine at once (%o)",
  async (mode) => {
    const engine = createWatchedEngine();
    const { chat } = await start({ engine });
    const disconnect = new AbortController();
    const answer = chat(mode, { signal: disconnect.signal }).then(async (response) => response.text());
    await vi.waitFor(() => expect(engine.running()).toBe(1));
    disconnect.abort();
    await expect(answer).rejects.toThrow();
    await vi.waitFor(() => expect(engine.running()).toBe(0), { timeout: 1000 });
  },
);

test("a client that disconnects while its prompt is being read frees the engine too", async () => {
  const engine = createWatchedEngine({ waitsBeforeStart: true });
  const { chat } = await start({ engine });
  const disconnect = new AbortController();
  const response = await chat({ stream: true }, { signal: disconnect.signal });
  await vi.waitFor(() => expect(engine.running()).toBe(1));
  disconnect.abort();
  await vi.waitFor(() => expect(engine.running()).toBe(0), { timeout: 1000 });
  await expect(response.text()).rejects.toThrow();
});

test("the role arrives before the engine has said anything", async () => {
  const engine = createWatchedEngine({ waitsBeforeStart: true });
  const { chat } = await start({ engine });
  const response = await chat({ stream: true });
  const reader = response.body?.getReader();
  const first = new TextDecoder().decode((await reader?.read())?.value);
  expect(first).toContain(`"role":"assistant"`);
  await reader?.cancel();
});

test("an unread stream slows its engine and is ended after the stall limit", async () => {
  const printed = vi.spyOn(console, "error");
  const engine = createWatchedEngine({ text: "x".repeat(20_000), count: 5000 });
  const { port, keys } = await start({ engine, config: { limits: { streamStallTimeoutMs: 300 } } });
  const body = JSON.stringify({ model: "default", stream: true, messages: [{ role: "user", content: "Hi" }] });
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.pause();
  socket.on("error", () => {});
  await vi.waitFor(() => expect(engine.running()).toBe(1));
  await vi.waitFor(() => expect(engine.running()).toBe(0), { timeout: 5000 });
  expect(engine.said()).toBeLessThan(5000);
  expect(printed).not.toHaveBeenCalled();
  socket.destroy();
});

test.each(["chat/completions", "completions"])(
  "an upload to %s by an account without credits is refused before any of it is sent, where no model is free",
  async (path) => {
    const prices = { ...FREE_OF_CHARGE, perMillionOutputTokens: 1 };
    const { port, keys } = await start({ models: [{ isDefault: true, prices }] });
    const head =
      `POST /v1/${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n` +
      "content-type: application/json\r\ncontent-length: 30000000\r\n\r\n";
    const answer = await talk(port, head, /\}\}$/);
    expect(answer).toContain("HTTP/1.1 429");
    expect(answer).toContain("insufficient_quota");
  },
);

test("an upload without a key is refused before any of it is sent", async () => {
  const { port } = await start();
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
  const answer = await talk(port, `${head}content-length: 100000000000\r\n\r\n`, /\}\}$/);
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
});

test("a client that waits for 100 Continue is asked for its body only when it may send it", async () => {
  const { port, keys } = await start();
  const head = (key: string) =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\nexpect: 100-continue\r\n` +
    `content-type: application/json\r\ncontent-length: 2\r\n\r\n`;
  expect(await talk(port, head("sk-unknown"), /\}\}$/)).toMatch(/^HTTP\/1\.1 401 /);
  const large = head(keys.key).replace("length: 2", "length: 100000000000");
  expect(await talk(port, large, /\}\}$/)).toMatch(/^HTTP\/1\.1 413 /);
  const welcomed = await talk(port, `${head(keys.key)}{}`, /\}\}$/);
  expect(welcomed).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400 /);
});

test.each([
  ["an oversize declared body", `content-length: 1001\r\n\r\n`, 413],
  ["an oversize chunked body", `transfer-encoding: chunked\r\n\r\n7d0\r\n${"x".repeat(2000)}\r\n0\r\n\r\n`, 413],
  ["a body that never comes", `content-length: 10\r\n\r\n{`, 408],
  ["a chunked body that never ends", `transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`, 408],
])("%s is refused in time, and the connection closed", async (_case, rest, status) => {
  const { port, keys } = await start({ config: { limits: { bodyBytesMax: 1000, bodyTimeoutMs: 200 } } });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const answer = await talk(port, `${head}content-type: application/json\r\n${rest}`);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toMatch(/connection: close/i);
  errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
});

test.each(["a declared length", "chunks"])(
  "a client that sends on after its body in %s was refused still reads the answer",
  async (framing) => {
    const { port, keys } = await start({ config: { limits: { bodyBytesMax: 1000 } } });
    const bytes = new Uint8Array(8_000_000).fill(0x20);
    for (let round = 0; round < 10; round += 1) {
      const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
        body: framing === "chunks" ? new Blob([bytes]).stream() : bytes,
        duplex: "half",
      });
      expect(response.status).toBe(413);
      errorResponseSchema.parse(await response.json());
    }
  },
);

test.each([
  ["no HTTP at all", "hello\r\n\r\n"],
  ["headers beyond the limit", `GET /v1/models HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(5000)}\r\n\r\n`],
  ["no host", "GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n"],
  ["a host that is none", "GET /v1/models HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n"],
])("%s gets a 400 with the envelope and an id", async (_case, bytes) => {
  const { port } = await start({ config: { limits: { headersBytesMax: 4096 } } });
  const answer = await talk(port, bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(answer).toMatch(/x-request-id: req_/i);
  errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
});

test("a body that is no valid chunk gets a 400 with the envelope, though its request had begun", async () => {
  const { port, keys, logLines } = await start();
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const answer = await talk(port, `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
  await vi.waitFor(() => expect(logLines).toHaveLength(1));
  expect(JSON.parse(logLines[0] ?? "")).toMatchObject({ status: 400, complete: true });
});

test("garbage behind a body ends its request: its length was too short", async () => {
  const engine = createWatchedEngine({ waitsBeforeStart: true });
  const { port, keys } = await start({ engine });
  const body = JSON.stringify({ model: "default", messages: [{ role: "user", content: "Hi" }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const framed = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const answer = await talk(port, `${head}${framed}garbage\r\n\r\n`);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  expect(errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{")))).error.message).toContain(
    "Content-Length",
  );
  expect(engine.running()).toBe(0);
});

test("garbage behind a stream ends it with an error, and the connection", async () => {
  const { port, keys } = await start({ engine: createWatchedEngine() });
  const body = JSON.stringify({ model: "default", stream: true, messages: [{ role: "user", content: "Hi" }] });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const framed = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  let answer = "";
  const socket = connect(port, "127.0.0.1", () => socket.write(`${head}${framed}`));
  socket.setEncoding("utf8").on("data", (text: string) => {
    if (!answer.includes("data: ")) socket.write("garbage\r\n\r\n");
    answer += text;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toContain('"code":"invalid_request"');
  expect(answer).not.toContain("[DONE]");
});

test("garbage behind pipelined requests spoils the answer to none but the last", async () => {
  const { port, keys } = await start();
  const get = `GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n\r\n`;
  const post = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\ncontent-length: 1\r\n\r\n{}`;
  const answers = await talk(port, `${get}${get}${post}`);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 400"]);
});

test.each([
  ["both lengths", "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["two lengths", "content-length: 2\r\ncontent-length: 3\r\n\r\n{}"],
  ["a negative length", "content-length: -2\r\n\r\n{}"],
  ["a chunk longer than a number can say", "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}"],
  ["a chunk that is longer than announced", "transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"],
  ["a body that is longer than announced", "content-length: 1\r\n\r\n{}\r\n\r\n"],
])("a body with %s gets one 400 with the envelope, and the connection is closed", async (_case, rest) => {
  const { port, keys } = await start();
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const answer = await talk(port, `${head}content-type: application/json\r\n${rest}`);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
  errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
});

test.each([
  ["a chunk that is announced as endless", "transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", 408],
  ["a coding below the chunks", "transfer-encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 415],
])("%s is refused in time", async (_case, rest, status) => {
  const { port, keys } = await start({ config: { limits: { bodyStallTimeoutMs: 100 } } });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const answer = await talk(port, `${head}content-type: application/json\r\n${rest}`, /\}\}$/);
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
});

test("CONNECT is refused with the envelope", async () => {
  const { port } = await start();
  const answer = await talk(port, "CONNECT example.com:443 HTTP/1.1\r\nhost: x\r\n\r\nmore");
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  errorResponseSchema.parse(JSON.parse(answer.slice(answer.indexOf("{"))));
});

test("a head that does not end is given up after its limit", async () => {
  const { port } = await start({ config: { limits: { headersTimeoutMs: 200 } } });
  expect(await talk(port, "GET /v1/models HTTP/1.1\r\nhost: x\r\n")).toMatch(/^HTTP\/1\.1 408 /);
});

test("a connection beyond the limit is closed", async () => {
  const { port } = await start({ config: { limits: { connectionsMax: 1 } } });
  const first = connect(port, "127.0.0.1");
  await new Promise((resolve) => first.once("connect", resolve));
  expect(await talk(port, "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n").catch(() => "")).toBe("");
  first.destroy();
});

test("an idle connection is closed after its limit", async () => {
  const { port } = await start({ config: { limits: { idleTimeoutMs: 100 } } });
  const answer = await talk(port, "GET /nope HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
});

test("a streamed answer ends with [DONE] and then closes its body", async () => {
  const { chat } = await start();
  const data = await readSseData(await chat({ stream: true }));
  expect(data.at(-1)).toBe("[DONE]");
});

test("stopping lets a running stream end and refuses new connections", async () => {
  const { chat, server, port } = await start({ engine: createScriptedEngine({ tokenDelayMs: 20 }) });
  const response = await chat({ stream: true });
  const closing = server.close();
  await expect(talk(port, "GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n")).rejects.toThrow("ECONNREFUSED");
  expect((await readSseData(response)).at(-1)).toBe("[DONE]");
  await closing;
});

test("a stream that outlasts the limit ends with the error that the server stops, and does not look complete", async () => {
  const engine = createWatchedEngine({ waitsBeforeStart: true });
  const { chat, server } = await start({ engine, config: { limits: { shutdownTimeoutMs: 50 } } });
  const response = await chat({ stream: true });
  const closing = server.close();
  const data = await readSseData(response);
  expect(data).not.toContain("[DONE]");
  expect(JSON.parse(data.at(-1) ?? "")).toMatchObject({ error: { code: "server_shutting_down" } });
  await closing;
  expect(engine.running()).toBe(0);
});

test("an upload that outlasts the limit gets the error that the server stops", async () => {
  const { port, keys, server } = await start({ config: { limits: { shutdownTimeoutMs: 50 } } });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys.key}\r\n`;
  const answer = talk(port, `${head}expect: 100-continue\r\ncontent-length: 10\r\n\r\n`);
  await delay(100);
  await server.close();
  expect(await answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 503 /);
});

test("a non-streaming answer that outlasts the limit is a 503 that may be tried again", async () => {
  const engine = createWatchedEngine({ waitsBeforeStart: true });
  const { chat, server } = await start({ engine, config: { limits: { shutdownTimeoutMs: 50 } } });
  const answer = chat({});
  await vi.waitFor(() => expect(engine.running()).toBe(1));
  await server.close();
  const response = await answer;
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
});

test("each request is one log line without query, token or prompt", async () => {
  const { chat, keys, logLines, baseUrl, port } = await start();
  await (await chat({ messages: [{ role: "user", content: "my secret prompt" }] })).text();
  await (await fetch(`${baseUrl}/models?token=${keys.token}`)).text();
  await talk(port, "GET http://ada:my-password@x/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  await vi.waitFor(() => expect(logLines).toHaveLength(3));
  expect(JSON.parse(logLines[0] ?? "")).toMatchObject({
    level: "info",
    method: "POST",
    path: "/v1/chat/completions",
    status: 200,
    complete: true,
    requestId: expect.stringMatching(/^req_/),
    durationMs: expect.any(Number),
  });
  expect(JSON.parse(logLines[1] ?? "")).toMatchObject({ path: "/v1/models", status: 401 });
  expect(JSON.parse(logLines[2] ?? "")).toMatchObject({ path: "/v1/models", status: 401 });
  const secrets = [keys.key, keys.token, "my secret prompt", "my-password"];
  for (const secret of secrets) expect(logLines.join("")).not.toContain(secret);
});

test("a second request on a kept connection is answered after a refused one", async () => {
  const { port, keys } = await start();
  const get = (key: string, connection: string) =>
    `GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\nconnection: ${connection}\r\n\r\n`;
  const answers = await talk(port, get("sk-nope", "keep-alive") + get(keys.key, "close"));
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 401", "HTTP/1.1 200"]);
});

test("an engine whose client disconnected half-way through its upload was never called", async () => {
  const engine = createWatchedEngine();
  const { port, keys } = await start({ engine });
  const upload = httpRequest({
    port,
    method: "POST",
    path: "/v1/chat/completions",
    headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json", "content-length": 100 },
  });
  upload.on("error", () => {});
  upload.write("{");
  await delay(50);
  upload.destroy();
  await delay(50);
  expect(engine.said()).toBe(0);
});

test("bodies that together are more than the server has memory for are refused, and their neighbours served", async () => {
  const { chat } = await start({ config: { limits: { bodiesBytesMax: 2000, smallBodyBytesMax: 500 } } });
  const refused = await chat({ messages: [{ role: "user", content: "word ".repeat(500) }] });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect((await chat({})).status).toBe(200);
});
