/** A canary in every place that a caller or an operator can put a secret into: none may reach the log. */

import { connect } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { startTestServer } from "../testing/test-server.ts";
import { createLogger } from "./logger.ts";

const CANARY = "canary-3f9c1e";
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

test("no secret of a request reaches the log at its lowest level", async () => {
  const { server, baseUrl, keys, logLines } = await startTestServer({
    config: { logLevel: "debug", operations: { metricsToken: `${CANARY}-metrics-token` } },
  });
  cleanUps.push(() => server.close());
  const send = async (path: string, headers: Record<string, string>, body?: string) => {
    const init = body === undefined ? { headers } : { method: "POST", headers, body };
    await (await fetch(new URL(path, baseUrl), init)).text();
  };
  const json = { authorization: `Bearer ${keys.key}`, "content-type": "application/json" };
  const chat = (fields: unknown) => send("/v1/chat/completions", json, JSON.stringify(fields));
  const messages = [{ role: "user", content: `my password is ${CANARY}` }];

  await send("/v1/models", { authorization: `Bearer sk-${CANARY}` });
  await send("/v1/models", { authorization: `Bearer eyJ.${CANARY}.x` });
  await send(`/v1/models?token=${CANARY}&api_key=${CANARY}`, {});
  await send("/metrics", { authorization: `Bearer ${CANARY}` });
  await send("/v1/models", { cookie: CANARY, "api-key": CANARY, "x-api-key": CANARY, "openai-organization": CANARY });
  await send("/v1/models", { "x-request-id": `bad id ${CANARY}`, "user-agent": CANARY, traceparent: CANARY });
  await send("/v1/chat/completions", json, `{"messages": "${CANARY}`);
  await chat({ model: "default", messages });
  await chat({ model: "default", messages, stream: true });
  await chat({ model: "default", messages, api_key: CANARY, user: CANARY, metadata: { key: CANARY } });
  await chat({ model: "default", messages, temperature: CANARY });
  await chat({ model: CANARY, messages });
  await sendRaw(baseUrl, `GET http://ada:${CANARY}@x/v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await sendRaw(baseUrl, `${CANARY}\r\n\r\n`);

  await vi.waitFor(() => expect(logLines.length).toBeGreaterThanOrEqual(13));
  const log = logLines.join("");
  expect(log).not.toContain(CANARY);
  for (const secret of [keys.key, keys.token]) expect(log).not.toContain(secret);
  expect(log).toContain('"operation":"createChatCompletion"');
});

function sendRaw(baseUrl: string, text: string): Promise<void> {
  const { hostname, port } = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on("close", () => resolve());
    socket.on("error", reject);
    socket.resume();
  });
}

test.each(["authorization", "apiKey", "token", "secret", "password", "prompt", "messages", "content"])(
  "what a caller of the log calls %s is struck out",
  (name) => {
    const lines: string[] = [];
    createLogger({ level: "info", write: (line) => void lines.push(line) }).info("careless", { [name]: CANARY });
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ message: "careless", [name]: "[redacted]" });
  },
);
