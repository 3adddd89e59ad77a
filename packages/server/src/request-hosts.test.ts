/** All ways to say which host is meant, or not to say it. */

import { expect, onTestFinished, test } from "vitest";
import { errorResponseSchema } from "@openai-compat/spec";
import { talk } from "./testing/talk.ts";
import { startTestServer } from "./testing/test-server.ts";

async function ask(bytes: string): Promise<{ readonly status: number; readonly body: string }> {
  const { server, baseUrl } = await startTestServer();
  onTestFinished(() => server.close());
  const answer = await talk(Number(new URL(baseUrl).port), bytes.replaceAll("|", "\r\n"));
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), body };
}

test.each(["/healthz", "/readyz", "/metrics", "/openapi.json"])(
  "%s is answered over HTTP/1.0 without a host, as old balancers ask",
  async (path) => {
    expect((await ask(`GET ${path} HTTP/1.0||`)).status).toBe(200);
  },
);

test("the API is answered over HTTP/1.0 without a host too", async () => {
  const { status, body } = await ask("GET /v1/models HTTP/1.0||");
  expect(status).toBe(401);
  errorResponseSchema.parse(JSON.parse(body));
});

test.each([
  ["no host where one is required", "GET /healthz HTTP/1.1|connection: close||"],
  ["two hosts", "GET /healthz HTTP/1.1|host: 127.0.0.1|Host: 127.0.0.1|connection: close||"],
  ["two hosts in HTTP/1.0", "GET /healthz HTTP/1.0|host: a|host: b||"],
  ["a host that is none", "GET /healthz HTTP/1.1|host: a b|connection: close||"],
])("%s is refused with the envelope", async (_case, bytes) => {
  const { status, body } = await ask(bytes);
  expect(status).toBe(400);
  expect(errorResponseSchema.parse(JSON.parse(body)).error.message).toMatch(/host/);
});

test.each([
  ["GET /metrics HTTP/1.1|host: 127.0.0.1:1", 200],
  ["GET /metrics HTTP/1.1|host: LOCALHOST", 200],
  ["GET /metrics HTTP/1.1|host: [::1]:8080", 200],
  ["GET http://127.0.0.1/metrics HTTP/1.1|host: localhost", 200],
  ["GET /metrics HTTP/1.1|host: evil.example", 403],
  ["GET http://127.0.0.1/metrics HTTP/1.1|host: evil.example", 403],
  ["GET http://evil.example/metrics HTTP/1.1|host: 127.0.0.1", 403],
  ["GET http://127.0.0.1@evil.example/metrics HTTP/1.1|host: 127.0.0.1", 403],
  ["GET http://127.0.0.1/metrics HTTP/1.1|host: 127.0.0.1@evil.example", 403],
  ["GET http://127.0.0.1/metrics HTTP/1.1|host: a b", 403],
  ["GET /metrics HTTP/1.1|host: 127.0.0.1.evil.example", 403],
  ["GET /metrics HTTP/1.1|host: localhost.evil.example", 403],
  ["GET /metrics HTTP/1.1|host: 127.0.0.1|x-forwarded-host: evil.example", 403],
  ["GET http://evil.example/metrics HTTP/1.0", 403],
  ["GET http://127.0.0.1/metrics HTTP/1.0|host: evil.example", 403],
])("the metrics without a token, asked for as %j: %i", async (head, status) => {
  expect((await ask(`${head}|connection: close||`)).status).toBe(status);
});
