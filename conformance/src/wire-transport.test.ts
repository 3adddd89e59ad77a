import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Exchange } from "./exchange.ts";
import { bodyText } from "./response-body.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";
import { sendWireRequest } from "./wire-transport.ts";

const LARGE = Buffer.alloc(16 * 1024 * 1024, "0123456789abcdef-");

async function post(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Exchange> {
  const signal = new AbortController().signal;
  return sendWireRequest({ method: "POST", url, headers, body: LARGE, recordedBytesMax: 1024, signal });
}

test("the answer to a body that the server does not read is not lost when it closes the connection", async () => {
  const url = await serveForTest((request, response) => {
    response.on("finish", () => request.socket.destroySoon());
    response.writeHead(413, { connection: "close" }).end("too large");
  });
  const exchange = await post(url);
  expect(exchange.transportError).toBeNull();
  expect(exchange.response?.status).toBe(413);
  expect(bodyText(exchange)).toBe("too large");
});

test.each([{}, { "transfer-encoding": "chunked" }])(
  "a large body arrives whole with the headers %j",
  async (headers) => {
    const url = await serveForTest((request, response) => {
      const hash = createHash("sha256");
      request.on("data", (piece: Buffer) => hash.update(piece));
      request.on("end", () => {
        const { "content-length": length = null, "transfer-encoding": coding = null } = request.headers;
        answerJson({ hash: hash.digest("hex"), length, coding })(request, response);
      });
    });
    expect(JSON.parse(bodyText(await post(url, headers)))).toEqual({
      hash: createHash("sha256").update(LARGE).digest("hex"),
      length: "transfer-encoding" in headers ? null : String(LARGE.byteLength),
      coding: headers["transfer-encoding"] ?? null,
    });
  },
);

test("a connection that breaks while a large body is sent is recorded as such", async () => {
  const url = await serveForTest((request) => void request.socket.destroy());
  const exchange = await post(url);
  expect(exchange.response).toBeNull();
  expect(exchange.transportError).toMatch(/^(?:EPIPE|ECONNRESET): /);
});

test("a request of HTTP/1.0 goes out without a Host header, and its answer ends with the connection", async () => {
  const baseUrl = await serveForTest((request, response) => {
    const { httpVersion, url } = request;
    response.setHeader("x-kind", "old");
    response.end(
      JSON.stringify({ httpVersion, url, host: request.headers.host ?? null, key: request.headers.authorization }),
    );
  });
  const exchange = await sendWireRequest({
    method: "GET",
    url: `${baseUrl}/models?a=1`,
    headers: { authorization: "Bearer k" },
    recordedBytesMax: 1000,
    signal: new AbortController().signal,
    oldForMs: 20_000,
  });
  expect(exchange.response).toMatchObject({ status: 200, end: "clean" });
  expect(exchange.response?.headers["x-kind"]).toBe("old");
  expect(JSON.parse(bodyText(exchange))).toEqual({
    httpVersion: "1.0",
    url: "/v1/models?a=1",
    host: null,
    key: "Bearer k",
  });
});

test("a connection to a server that sends nothing to HTTP/1.0 is closed in time", async () => {
  const exchange = await sendWireRequest({
    method: "GET",
    url: `${await serveForTest(() => {})}/models`,
    headers: {},
    recordedBytesMax: 1000,
    signal: new AbortController().signal,
    oldForMs: 100,
  });
  expect(exchange.response).toBeNull();
  expect(exchange.transportError).toContain("AbortError");
});

test("a client that stalls reads the beginning of an answer and disconnects when its signal aborts", async () => {
  const baseUrl = await serveForTest((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: 1\n\n");
  });
  const over = new AbortController();
  const exchange = await sendWireRequest({
    method: "GET",
    url: `${baseUrl}/x`,
    headers: {},
    recordedBytesMax: 1000,
    signal: new AbortController().signal,
    stall: { onBegin: () => over.abort(), until: over.signal },
  });
  expect(bodyText(exchange)).toBe("data: 1\n\n");
  expect(exchange.response?.end).toBe("open");
});
