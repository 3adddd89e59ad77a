/**
 * Streams that take long to begin, or fall silent: their headers are sent early, comments keep them open, and errors
 * are events.
 */

import type { ServerResponse } from "node:http";
import { createScriptedEngine } from "@openai-compat/engines";
import OpenAI from "openai";
import { expect, onTestFinished, test, vi } from "vitest";
import { readBody, startGateway, startUpstream } from "./testing/test-gateway.ts";
import { startTestServer } from "./testing/test-server.ts";

const QUICK = { limits: { streamHeadersAfterMs: 30, streamKeepAliveMs: 30 } };
const PATIENT = { limits: { streamHeadersAfterMs: 60_000, streamKeepAliveMs: 30 } };

function chat(baseUrl: string, key: string, fields: object = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${baseUrl}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ stream: true, messages: [{ role: "user", content: "Hello" }], ...fields }),
    ...(signal === undefined ? null : { signal }),
  });
}

/** A server with one slot that is taken until `free` is called. */
async function startBusy(config: object, queue = { waitingMax: 4, waitTimeMsMax: 60_000 }) {
  const { server, baseUrl, keys } = await startTestServer({
    engine: createScriptedEngine({ concurrency: 1, tokenDelayMs: 5 }),
    models: [{ isDefault: true, queue }],
    config,
  });
  onTestFinished(() => server.close());
  const disconnect = new AbortController();
  const first = await chat(baseUrl, keys.key, { model: "scripted", max_tokens: 10_000, n: 1 }, disconnect.signal);
  const reading = first.text().catch(() => "");
  const free = async () => {
    disconnect.abort();
    await reading;
  };
  onTestFinished(free);
  return { baseUrl, key: keys.key, free };
}

test("a stream that waits in the queue has its headers and comments before its first event", async () => {
  const { baseUrl, key, free } = await startBusy(QUICK);
  const waiting = await chat(baseUrl, key, { model: "scripted", max_tokens: 3 });
  expect(waiting.status).toBe(200);
  expect(waiting.headers.get("content-type")).toMatch(/^text\/event-stream/);
  let text = "";
  for await (const bytes of waiting.body ?? []) {
    text += Buffer.from(bytes).toString();
    if (text.endsWith(": keep-alive\n\n: keep-alive\n\n: keep-alive\n\n")) await free();
  }
  expect(text).toMatch(/^(?:: keep-alive\n\n){3,}data: \{.*"role":"assistant"/);
  expect(text).toMatch(/data: \[DONE\]\n\n$/);
});

test("a refusal of the queue has a status until the headers are sent, and is an event after", async () => {
  const queue = { waitingMax: 1, waitTimeMsMax: 150 };
  const soon = await startBusy(PATIENT, queue);
  const refused = await chat(soon.baseUrl, soon.key, { model: "scripted" });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ error: { code: "server_overloaded" } });

  const late = await startBusy(QUICK, queue);
  const events = await chat(late.baseUrl, late.key, { model: "scripted" });
  expect(events.status).toBe(200);
  const [last = ""] = (await events.text()).trim().split("\n\n").slice(-1);
  expect(JSON.parse(last.replace("data: ", ""))).toMatchObject({ error: { code: "server_overloaded" } });
});

test("a client that disconnects while its stream waits leaves the queue", async () => {
  const { baseUrl, key, free } = await startBusy(QUICK, { waitingMax: 1, waitTimeMsMax: 60_000 });
  const disconnect = new AbortController();
  await chat(baseUrl, key, { model: "scripted" }, disconnect.signal);
  disconnect.abort();
  await vi.waitFor(async () => {
    const next = chat(baseUrl, key, { model: "scripted", max_tokens: 2 });
    const response = await next;
    expect(response.status).toBe(200);
    await free();
    expect(await response.text()).toContain("[DONE]");
  });
});

const CHUNK = { id: "x", object: "chat.completion.chunk", created: 1, model: "scripted" };
const say = (content: string, reason: string | null = null) =>
  `data: ${JSON.stringify({ ...CHUNK, choices: [{ index: 0, delta: { content }, finish_reason: reason }] })}\n\n`;

/** A gateway whose upstream answers when a test lets it. */
async function startSlow(config: object, settings: object = {}) {
  const answers: ServerResponse[] = [];
  const baseUrl = await startUpstream(async (incoming, outgoing) => {
    await readBody(incoming);
    answers.push(outgoing);
  });
  const gateway = await startGateway({ baseUrls: [baseUrl], ...settings }, "chat", config);
  return { ...gateway, answers };
}

test("an upstream's silence before its first event and between two is filled with comments, which the SDK skips", async () => {
  const { baseUrl, keys, answers } = await startSlow(QUICK);
  let raw = "";
  /** The upstream's next event depends on what has come of the stream. */
  const steer = () => {
    const [answer] = answers;
    const [before = "", after = ""] = raw.split("One");
    if (answer?.headersSent === false && before.includes(": keep-alive\n\n")) {
      answer.writeHead(200, { "content-type": "text/event-stream" });
      answer.write(`: theirs\n\n${say("One")}`);
    }
    if (after.includes(": keep-alive\n\n") && answer?.writableEnded === false) {
      answer.end(`${say(" two", "stop")}data: [DONE]\n\n`);
    }
  };
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: keys.key,
    maxRetries: 0,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const watch = new TransformStream<Uint8Array, Uint8Array>({
        transform(bytes, controller) {
          raw += Buffer.from(bytes).toString();
          steer();
          controller.enqueue(bytes);
        },
      });
      return new Response(response.body?.pipeThrough(watch) ?? null, response);
    },
  });
  let text = "";
  for await (const chunk of await client.chat.completions.create({
    model: "far",
    stream: true,
    messages: [{ role: "user", content: "Hello" }],
  })) {
    text += chunk.choices[0]?.delta.content ?? "";
  }
  expect(text).toBe("One two");
  expect(raw).toMatch(
    /^(?:: keep-alive\n\n)+data: .*\n\n(?:: keep-alive\n\n)+data: .*\n\ndata: .*\n\ndata: \[DONE\]\n\n$/,
  );
  expect(raw).not.toContain("theirs");
});

test("an upstream's refusal that comes late is an event, and one that comes soon has its status", async () => {
  const refuse = (answer: ServerResponse | undefined) =>
    answer?.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({ detail: "too hot" }));
  const late = await startSlow(QUICK);
  const answered = await chat(late.baseUrl, late.keys.key, { model: "far" });
  expect(answered.status).toBe(200);
  await vi.waitFor(() => expect(late.answers).toHaveLength(1));
  refuse(late.answers[0]);
  const [last = ""] = (await answered.text()).trim().split("\n\n").slice(-1);
  expect(JSON.parse(last.replace("data: ", ""))).toMatchObject({ error: { message: "too hot" } });

  const soon = await startSlow(PATIENT);
  const answering = chat(soon.baseUrl, soon.keys.key, { model: "far" });
  await vi.waitFor(() => expect(soon.answers).toHaveLength(1));
  refuse(soon.answers[0]);
  const response = await answering;
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { message: "too hot" } });
});

test("an upstream that stays silent is given up in its time, comments or not", async () => {
  const { baseUrl, keys, answers } = await startSlow(QUICK, { firstByteTimeoutMs: 200 });
  const response = await chat(baseUrl, keys.key, { model: "far" });
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  const [last = ""] = (await response.text()).trim().split("\n\n").slice(-1);
  expect(JSON.parse(last.replace("data: ", ""))).toMatchObject({ error: { code: "upstream_timeout" } });
});

test("parameters that were not sent on are named in a header, whatever their names", async () => {
  const { baseUrl, keys, answers } = await startSlow(PATIENT);
  const answering = chat(baseUrl, keys.key, { model: "far", n_predict: 9, "ü\r\nx: y": 1, "\ud800": 2, top_k: 3 });
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  answers[0]?.writeHead(200, { "content-type": "text/event-stream" }).end(`${say("One", "stop")}data: [DONE]\n\n`);
  const response = await answering;
  expect(response.headers.get("x-dropped-parameters")).toBe("n_predict, %C3%BC%0D%0Ax%3A%20y, %EF%BF%BD");
  await response.text();
});
