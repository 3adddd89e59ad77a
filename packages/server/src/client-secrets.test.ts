/** Client secrets: made by the official SDK, used by its class for browsers. */

import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import { operations, realtimeCreateClientSecretResponseSchema, validateShape } from "@openai-compat/spec";
import OpenAI from "openai";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import type { ConfigInput } from "./config.ts";
import { COMMIT, openRealtimeClient, speakPcm } from "./testing/realtime-client.ts";
import { startTestServer } from "./testing/test-server.ts";

const MANUAL_SESSION = { type: "transcription", audio: { input: { turn_detection: null } } } as const;

async function start(config: ConfigInput = {}) {
  const started = await startTestServer({
    models: [
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
    ],
    config,
  });
  onTestFinished(() => started.server.close());
  const { baseUrl, keys } = started;
  const client = new OpenAI({ apiKey: keys.key, baseURL: baseUrl, maxRetries: 0 });
  const post = async (body: unknown, token = keys.key) => {
    const response = await fetch(`${baseUrl}/realtime/client_secrets`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    return { status: response.status, answer, headers: response.headers };
  };
  return { ...started, client, post };
}

test("the SDK makes a client secret, and a page transcribes with it, by a subprotocol and nothing else", async () => {
  const { client, baseUrl, keys } = await start();
  const made = await client.realtime.clientSecrets.create({ session: MANUAL_SESSION });
  expect(made.value).toMatch(/^ek_/);
  expect(Math.abs(made.expires_at - Date.now() / 1000 - 600)).toBeLessThan(30);
  expect(made.session).toMatchObject({ ...MANUAL_SESSION, object: "realtime.transcription_session" });
  const audio = await speakPcm(baseUrl, keys.key, "The sea.");
  const socket = new WebSocket(`${baseUrl.replace("http", "ws")}/realtime?intent=transcription`, [
    "realtime",
    `openai-insecure-api-key.${made.value}`,
  ]);
  onTestFinished(() => socket.terminate());
  const transcript = await new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("open", () => {
      socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: audio.toString("base64") }));
      socket.send(JSON.stringify(COMMIT));
    });
    socket.on("message", (data) => {
      const event: Record<string, unknown> = JSON.parse(Buffer.isBuffer(data) ? data.toString() : "");
      if (event["type"] === "conversation.item.input_audio_transcription.completed") resolve(event["transcript"]);
    });
  });
  expect(socket.protocol).toBe("realtime");
  expect(transcript).toBe("The sea.");
});

test("the example of the document makes a client secret as documented, and its line of the log has the id", async () => {
  const { id, path, response, examples } = operations["create-realtime-client-secret"];
  const { post, baseUrl, keys, logLines } = await start();
  const { status, answer } = await post(examples.request);
  expect(status).toBe(200);
  expect(validateShape(response, answer)).toEqual([]);
  await expect.poll(() => logLines.join("\n")).toContain(`"operation":"${id}"`);
  const read = await fetch(`${baseUrl}${path}`, { headers: { authorization: `Bearer ${keys.key}` } });
  expect([read.status, read.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
});

test("a client secret says itself what its session is, where the query does not, and not two things", async () => {
  const { post, baseUrl } = await start();
  const { answer } = await post({ session: MANUAL_SESSION });
  const { value: token } = realtimeCreateClientSecretResponseSchema.parse(answer);
  const client = await openRealtimeClient({ baseUrl, token, query: "" });
  expect((await client.until("session.created")).session).toMatchObject(MANUAL_SESSION);
  await expect(openRealtimeClient({ baseUrl, token, query: "model=gpt-realtime" })).rejects.toThrow("400");
});

test("a client secret without a session opens what the query asks for", async () => {
  const { post, baseUrl } = await start();
  const { answer, headers } = await post({});
  expect(headers.get("cache-control")).toBe("no-store");
  const { value: token } = realtimeCreateClientSecretResponseSchema.parse(answer);
  for (const [query, type] of [
    ["intent=transcription", "transcription"],
    ["model=gpt-realtime", "realtime"],
  ] as const) {
    const client = await openRealtimeClient({ baseUrl, token, query });
    expect((await client.until("session.created")).session.type).toBe(type);
  }
});

test("a client secret is good for sessions alone", async () => {
  const { post, baseUrl } = await start();
  const { answer } = await post({});
  const { value: token } = realtimeCreateClientSecretResponseSchema.parse(answer);
  expect((await post({}, token)).status).toBe(401);
  const models = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${token}` } });
  expect(models.status).toBe(401);
});

test("who may not transcribe makes no client secret", async () => {
  const { post, keys } = await start();
  expect((await post({}, keys.noCapability)).status).toBe(403);
  expect((await post({}, keys.expired)).status).toBe(401);
});

test.each([
  [{ expires_after: { seconds: 9 } }, "invalid_value", "expires_after.seconds"],
  [{ expires_after: { seconds: 7201 } }, "invalid_value", "expires_after.seconds"],
  [{ expires_after: { anchor: "now" } }, "invalid_value", "expires_after.anchor"],
  [{ session: {} }, "missing_required_parameter", "session.type"],
  [{ session: { type: "voice" } }, "invalid_value", "session.type"],
  [{ session: { type: "transcription", voice: "x" } }, "unsupported_parameter", "session.voice"],
  [
    { session: { type: "transcription", audio: { input: { format: { type: "audio/pcm", rate: 8000 } } } } },
    "invalid_value",
    "session.audio.input.format.rate",
  ],
  [{ session: { type: "realtime", instructions: "x".repeat(2000) } }, "invalid_value", "session"],
  [[], "invalid_type", null],
])("%j is refused by the name of its field", async (body, code, param) => {
  const { post } = await start({ realtime: { sessionBytesMax: 1000 } });
  const { status, answer } = await post(body);
  expect({ status, answer }).toMatchObject({ status: 400, answer: { error: { code, param } } });
});

test("an account makes no more client secrets than it may", async () => {
  const { post } = await start({ realtime: { clientSecretsMax: 2 } });
  const statuses = [await post({}), await post({}), await post({})].map(({ status }) => status);
  expect(statuses).toEqual([200, 200, 429]);
});

test("a session of a client secret ends when the key that it was made with is revoked", async () => {
  const { post, baseUrl, stores } = await start({ realtime: { credentialCheckMs: 50 } });
  const { answer } = await post({ expires_after: { anchor: "created_at", seconds: 10 } });
  const { value: token } = realtimeCreateClientSecretResponseSchema.parse(answer);
  const client = await openRealtimeClient({ baseUrl, token });
  await client.until("session.created");
  const [key] = await stores.apiKeys.list();
  await stores.apiKeys.revoke(key?.id ?? "", Date.now());
  expect((await client.closed).code).toBe(1008);
  await expect(openRealtimeClient({ baseUrl, token })).rejects.toThrow("401");
});

test("no log holds a client secret", async () => {
  const { post, baseUrl, logLines } = await start({ logLevel: "debug" });
  const { answer } = await post({});
  const { value: token } = realtimeCreateClientSecretResponseSchema.parse(answer);
  const client = await openRealtimeClient({ baseUrl, token: "", query: `intent=transcription&token=${token}` });
  client.socket.close();
  await client.closed;
  await expect.poll(() => logLines.join("\n")).toContain('"realtime session"');
  expect(logLines.join("\n")).not.toContain(token);
});
