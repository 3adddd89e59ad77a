/** A server with a certificate of its own, so that no proxy is needed for clients that speak TLS alone. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createScriptedTranscriptionEngine } from "@openai-compat/engines";
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { expect, onTestFinished, test } from "vitest";
import { readTls } from "./cli/read-tls.ts";
import { configSchema } from "./config.ts";
import { talk } from "./testing/talk.ts";
import { startTestServer } from "./testing/test-server.ts";
import { TEST_CERTIFICATE } from "./testing/tls-certificate.ts";

const CA = { ca: TEST_CERTIFICATE.certificate, servername: "localhost" };

async function start() {
  const started = await startTestServer({
    tls: TEST_CERTIFICATE,
    models: [{ id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true }],
  });
  onTestFinished(() => started.server.close());
  return { ...started, port: Number(new URL(started.baseUrl).port) };
}

function readStatus(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false, ...CA }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
}

test("a server with a certificate answers over TLS", async () => {
  const { baseUrl, port } = await start();
  expect(baseUrl).toBe(`https://127.0.0.1:${port}/v1`);
  expect(await readStatus(port, "/healthz")).toBe(200);
});

test("the official SDK opens a session without a proxy", async () => {
  const { baseUrl, keys } = await start();
  const client = new OpenAI({ apiKey: keys.key, baseURL: baseUrl });
  const realtime = new OpenAIRealtimeWS({ intent: "transcription", options: CA }, client);
  onTestFinished(() => realtime.socket.terminate());
  const type = await new Promise<string>((resolve, reject) => {
    realtime.on("error", reject);
    realtime.on("session.created", ({ session }) => resolve(session.type));
  });
  expect(type).toBe("transcription");
});

test("a client without TLS is disconnected, and the server goes on", async () => {
  const { port } = await start();
  await talk(port, "GET /healthz HTTP/1.1\r\nhost: a.test\r\n\r\n").catch(() => "");
  expect(await readStatus(port, "/healthz")).toBe(200);
});

test("a certificate is read from its files, and one that does not fit its key stops the start", () => {
  const directory = mkdtempSync(join(tmpdir(), "openai-compat-tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [certPath, keyPath] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  writeFileSync(certPath, TEST_CERTIFICATE.certificate);
  const { tls } = configSchema.parse({ tls: { certPath, keyPath } });
  expect(() => readTls({ tls })).toThrow(/tls\.certPath and tls\.keyPath can't be used: .*ENOENT/);
  writeFileSync(keyPath, "no key");
  expect(() => readTls({ tls })).toThrow(/can't be used/);
  writeFileSync(keyPath, TEST_CERTIFICATE.key);
  expect(readTls({ tls })).toEqual({ certificate: TEST_CERTIFICATE.certificate, key: TEST_CERTIFICATE.key });
  expect(readTls(configSchema.parse({}))).toBeNull();
  expect(configSchema.safeParse({ tls: { certPath } }).success).toBe(false);
});
