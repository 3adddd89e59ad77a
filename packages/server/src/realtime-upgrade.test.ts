/** What happens before a connection becomes a WebSocket: every refusal is a whole HTTP answer. */

import { setTimeout as delay } from "node:timers/promises";
import { generateApiKey } from "@openai-compat/core";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { createMemoryStores } from "./stores/memory.ts";
import { API_MOUNTS } from "./surfaces/openai/protocol/request-path.ts";
import { talk } from "./testing/talk.ts";
import { startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

async function start(options: TestServerOptions = {}) {
  const started = await startTestServer(options);
  onTestFinished(() => started.server.close());
  const { port, host } = new URL(started.baseUrl);
  const sendRaw = (bytes: string) => talk(Number(port), bytes);
  /** An entry with several values stands for a header that is sent several times. */
  async function ask(
    path: string,
    headers: Readonly<Record<string, string | readonly string[] | null>> = {},
    body = "",
  ) {
    const lines = Object.entries({
      host,
      ...HANDSHAKE,
      authorization: `Bearer ${started.keys.key}`,
      ...headers,
    }).flatMap(([name, value]) => (value === null ? [] : [value].flat().map((one) => `${name}: ${one}`)));
    const text = await sendRaw(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n${body}`);
    const [head = "", ...rest] = text.split("\r\n\r\n");
    const [statusLine = "", ...fields] = head.split("\r\n");
    return {
      status: Number(statusLine.split(" ")[1]),
      head: fields.join("\n").toLowerCase(),
      body: rest.join("\r\n\r\n"),
    };
  }
  return { ...started, ask, sendRaw, host };
}

/** What the session's own stage says: the request has passed all that is before it. */
const PASSED = 501;
const PATH = "/v1/realtime?intent=transcription";

test.each(API_MOUNTS)("a request with a good credential gets as far as its session below %s", async (mount) => {
  const { ask } = await start();
  const { status, body, head } = await ask(`${mount}/realtime?intent=transcription`);
  expect({ status, body: JSON.parse(body) }).toMatchObject({
    status: PASSED,
    body: { error: { code: "not_implemented" } },
  });
  expect(head).toContain("connection: close");
  expect(head).toMatch(/^x-request-id: req_/m);
  expect(head).toContain("content-type: application/json");
});

const CREDENTIALS = {
  header: (token: string) => ({ headers: { authorization: `Bearer ${token}` }, query: "" }),
  query: (token: string) => ({ headers: { authorization: null }, query: `&token=${encodeURIComponent(token)}` }),
  subprotocol: (token: string) => ({
    headers: { authorization: null, "sec-websocket-protocol": `realtime, openai-insecure-api-key.${token}` },
    query: "",
  }),
};

test.each(Object.entries(CREDENTIALS))("a credential in the %s is judged like any other", async (_place, send) => {
  const stores = createMemoryStores();
  const { ask, keys } = await start({ stores });
  const revoked = generateApiKey({
    accountId: "ada",
    name: "revoked",
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
    expiresAtMs: null,
    nowMs: Date.now(),
  });
  await stores.apiKeys.insert({ ...revoked.record, revokedAtMs: 1 });
  for (const [token, status, code] of [
    [keys.key, PASSED, "not_implemented"],
    [keys.token, PASSED, "not_implemented"],
    ["sk-unknown", 401, "invalid_api_key"],
    ["no-token-at-all", 401, "invalid_api_key"],
    ["ek_unknown", 401, "invalid_api_key"],
    [keys.expired, 401, "invalid_api_key"],
    [revoked.secret, 401, "invalid_api_key"],
    [keys.noCapability, 403, "insufficient_permissions"],
  ] as const) {
    const { headers, query } = send(token);
    const answer = await ask(`${PATH}${query}`, headers);
    expect({ token, status: answer.status, body: JSON.parse(answer.body) }).toMatchObject({
      token,
      status,
      body: { error: { code, message: expect.not.stringContaining(token), param: null } },
    });
  }
});

test.each([
  ["no credential", { authorization: null }, "", 401, "invalid_api_key"],
  ["another scheme", { authorization: "Basic YTpi" }, "", 401, "invalid_api_key"],
  ["an empty bearer token", { authorization: "Bearer " }, "", 401, "invalid_api_key"],
  ["an empty token in the query", { authorization: null }, "&token=", 401, "invalid_api_key"],
  ["two credentials", {}, "&token=sk-other", 400, "invalid_request"],
  ["two tokens", { authorization: null }, "&token=a&token=b", 400, "invalid_request"],
  [
    "two keys as subprotocols",
    { authorization: null, "sec-websocket-protocol": "openai-insecure-api-key.a, openai-insecure-api-key.b" },
    "",
    400,
    "invalid_request",
  ],
  ["a list of subprotocols that is none", { "sec-websocket-protocol": "realtime,,x" }, "", 400, "invalid_request"],
])("%s is refused", async (_case, headers, query, status, code) => {
  const { ask } = await start();
  const answer = await ask(`${PATH}${query}`, headers);
  expect({ status: answer.status, ...JSON.parse(answer.body) }).toMatchObject({ status, error: { code } });
});

test("the same credential twice is one", async () => {
  const { ask, keys } = await start();
  const { status } = await ask(`${PATH}&token=${keys.key}`, {
    "sec-websocket-protocol": `realtime, openai-insecure-api-key.${keys.key}`,
  });
  expect(status).toBe(PASSED);
});

test.each([
  ["another version", { "sec-websocket-version": "8" }, 426],
  ["no version", { "sec-websocket-version": null }, 426],
  ["two versions", { "sec-websocket-version": ["13", "13"] }, 426],
  ["no key", { "sec-websocket-key": null }, 400],
  ["a short key", { "sec-websocket-key": "YWJj" }, 400],
  ["two keys", { "sec-websocket-key": [HANDSHAKE["sec-websocket-key"], HANDSHAKE["sec-websocket-key"]] }, 400],
  ["two hosts", { host: ["a.test", "b.test"] }, 400],
  ["a host that is none", { host: "a b/c" }, 400],
  ["no host", { host: null }, 400],
])("a handshake with %s is refused in OpenAI's envelope", async (_case, headers, status) => {
  const { ask } = await start();
  const answer = await ask(PATH, headers);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toMatchObject({ error: { type: "invalid_request_error" } });
  if (status === 426) expect(answer.head).toMatch(/^sec-websocket-version: 13$/m);
});

test.each([
  ["&model=x", "invalid_request", "model"],
  ["&intent=other", "invalid_request", "intent"],
  ["&call_id=rtc_1", "not_implemented", "call_id"],
])("a query with %s is refused", async (query, code, param) => {
  const { ask } = await start();
  expect(JSON.parse((await ask(`${PATH}${query}`)).body)).toMatchObject({ error: { code, param } });
});

test.each([
  ["/v1/realtime", "missing_required_parameter", "model"],
  ["/v1/realtime?intent=conversation", "invalid_value", "intent"],
  ["/v1/realtime?model=", "invalid_value", "model"],
])("the query of %s is refused", async (path, code, param) => {
  const { ask } = await start();
  expect(JSON.parse((await ask(path)).body)).toMatchObject({ error: { code, param } });
});

test.each(["fixed", "chunked"])(
  "a handshake with a %s body is refused, and what follows is no request",
  async (kind) => {
    const { ask } = await start();
    const inner = "GET /healthz HTTP/1.1\r\nhost: a.test\r\n\r\n";
    const length = kind === "fixed" ? { "content-length": String(inner.length) } : { "transfer-encoding": "chunked" };
    const { status, body } = await ask(PATH, length, inner);
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({ error: { code: "invalid_request" } });
  },
);

test("bytes behind the handshake don't hide its refusal", async () => {
  const { ask } = await start();
  const { status } = await ask(PATH, { authorization: "Bearer sk-unknown" }, "\u0081\u0080abcd".repeat(10_000));
  expect(status).toBe(401);
});

test.each(["/v1/models", "/v1/chat/completions", "/v1/realtime/", "/healthz", "/nowhere", "//v1//realtime"])(
  "a WebSocket at %s is answered",
  async (path) => {
    const { ask } = await start();
    expect((await ask(path)).status).toBeGreaterThanOrEqual(200);
  },
);

test.each(["h2c", "websocket, h2c", "TLS/1.0", "unknown/9"])("an upgrade to %s is ignored", async (upgrade) => {
  const { ask, keys, sendRaw, host } = await start();
  expect((await ask("/v1/models", { upgrade, connection: ["Upgrade", "close"] })).status).toBe(200);
  const body = JSON.stringify({ model: "scripted", messages: [{ role: "user", content: "Hello" }] });
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    `host: ${host}`,
    "connection: Upgrade, HTTP2-Settings, close",
    `upgrade: ${upgrade}`,
    "http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
    `authorization: Bearer ${keys.key}`,
    "content-type: application/json",
    `content-length: ${body.length}`,
  ];
  const answer = await sendRaw(`${head.join("\r\n")}\r\n\r\n${body}`);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('"chat.completion"');
});

test("a request for a session that is no WebSocket says how to connect", async () => {
  const { baseUrl, keys } = await start();
  const headers = { authorization: `Bearer ${keys.key}` };
  const answer = await fetch(`${baseUrl}/realtime?intent=transcription`, { headers });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: { message: expect.stringContaining("wss:") } });
  expect((await fetch(`${baseUrl}/realtime`, { method: "POST", headers, body: "{}" })).status).toBe(405);
});

test("pages of other origins than the allowed ones are refused before their credential is looked at", async () => {
  const { ask, host } = await start({ config: { allowedOrigins: ["https://good.test"] } });
  expect((await ask(PATH, { origin: "https://good.test" })).status).toBe(PASSED);
  expect((await ask(PATH)).status).toBe(PASSED);
  // A page of the server itself.
  expect((await ask(PATH, { origin: `http://${host}` })).status).toBe(PASSED);
  const { status, body } = await ask(PATH, { origin: "https://bad.test", authorization: null });
  expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 403, error: { code: "origin_not_allowed" } });
});

test("requests before a handshake on its connection are answered first", async () => {
  const { sendRaw, keys, host } = await start();
  const authorization = `authorization: Bearer ${keys.key}`;
  const first = `GET /v1/models HTTP/1.1\r\nhost: ${host}\r\n${authorization}\r\n\r\n`;
  const handshake = Object.entries(HANDSHAKE).map(([name, value]) => `${name}: ${value}`);
  const second = `GET ${PATH} HTTP/1.1\r\nhost: ${host}\r\n${authorization}\r\n${handshake.join("\r\n")}\r\n\r\n`;
  const answers = (await sendRaw(first + second)).match(/HTTP\/1\.1 \d+/g);
  expect(answers).toEqual(["HTTP/1.1 200", `HTTP/1.1 ${PASSED}`]);
});

test("a session that takes too long to open is refused, and the server goes on", async () => {
  const stores = createMemoryStores();
  const apiKeys = { ...stores.apiKeys, findBySecretSha256: () => new Promise<never>(() => {}) };
  const { ask } = await start({ stores: { ...stores, apiKeys }, config: { realtime: { openTimeMsMax: 50 } } });
  const { status, body } = await ask(PATH);
  expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 503, error: { code: "identity_unavailable" } });
});

test("clients that disconnect while they are authenticated leave nothing behind", async () => {
  const stores = createMemoryStores();
  const gate = Promise.withResolvers<void>();
  const apiKeys = {
    ...stores.apiKeys,
    async findBySecretSha256(hash: string) {
      await gate.promise;
      return stores.apiKeys.findBySecretSha256(hash);
    },
  };
  const { baseUrl, keys, server, logLines } = await start({ stores: { ...stores, apiKeys } });
  const url = `${baseUrl.replace("http", "ws")}/realtime?intent=transcription`;
  const sockets = Array.from({ length: 20 }, () => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${keys.key}` } });
    socket.on("error", () => {});
    return socket;
  });
  await delay(100);
  for (const socket of sockets) socket.terminate();
  await delay(50);
  gate.resolve();
  await server.close();
  expect(logLines.filter((line) => line.includes('"request"'))).toHaveLength(20);
  expect(logLines.join("\n")).not.toMatch(/"level":"error"/);
});

test("a client of the beta gets the error that OpenAI sends, and its close code", async () => {
  const { baseUrl, keys } = await start();
  const url = `${baseUrl.replace("http", "ws")}/realtime?model=gpt-4o-realtime-preview`;
  for (const [subprotocols, headers] of [
    [[], { authorization: `Bearer ${keys.key}`, "openai-beta": "realtime=v1" }],
    [["realtime", `openai-insecure-api-key.${keys.key}`, "openai-beta.realtime-v1"], {}],
  ] as const) {
    const socket = new WebSocket(url, [...subprotocols], { headers });
    const messages: unknown[] = [];
    socket.on("message", (data) => messages.push(Buffer.isBuffer(data) ? JSON.parse(data.toString()) : data));
    const code = await new Promise((resolve) => socket.on("close", resolve));
    expect(code).toBe(4000);
    expect(socket.protocol).toBe(subprotocols.length === 0 ? "" : "realtime");
    expect(messages).toMatchObject([
      {
        type: "error",
        event_id: expect.stringMatching(/^event_/),
        error: {
          type: "invalid_request_error",
          code: "beta_api_shape_disabled",
          message: "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
        },
      },
    ]);
  }
});

test("a token in the query or a subprotocol reaches no log and no metric", async () => {
  const { ask, keys, logLines, baseUrl } = await start({ config: { logLevel: "debug" } });
  for (const token of [keys.key, keys.token, keys.expired, "sk-canary-of-a-key"]) {
    await ask(`${PATH}&token=${token}`, { authorization: null });
    await ask(`${PATH}&token=${token}`, { authorization: null, "sec-websocket-version": "9" });
    await ask(`/v1/nowhere?token=${token}`, { authorization: null });
    await ask(PATH, { authorization: null, "sec-websocket-protocol": `realtime, openai-insecure-api-key.${token}` });
  }
  const metrics = await (await fetch(new URL("/metrics", baseUrl))).text();
  const told = `${logLines.join("\n")}\n${metrics}`;
  expect(told).toContain("/v1/realtime");
  for (const token of [keys.key, keys.token, keys.expired, "canary"]) expect(told).not.toContain(token);
});
