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
