import type { RequestListener } from "node:http";
import { brotliCompressSync } from "node:zlib";
import OpenAI from "openai";
import { expect, test } from "vitest";
import { type CheckContext, defineShared } from "./check-context.ts";
import { createCheckContext } from "./create-check-context.ts";
import { Failure, Inconclusive, NotTestable } from "./outcome-signals.ts";
import { bodyText } from "./response-body.ts";
import { answerJson, serveForTest } from "./test-server.fixture.ts";

const KEY = "sk-test";

async function contextFor(listener: RequestListener, recordedBytesMax?: number): Promise<CheckContext> {
  const target = { baseUrl: await serveForTest(listener), keys: { full: KEY }, models: { chat: "m" } };
  return createCheckContext({ target, signal: new AbortController().signal, recordedBytesMax }).context;
}

const streamOf =
  (frames: readonly string[], end: "clean" | "cut" | "open"): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const frame of frames) response.write(frame);
    if (end === "clean") response.end();
    if (end === "cut") setTimeout(() => response.destroy(), 20);
  };

const CHUNK = 'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n';

async function readStream(client: OpenAI): Promise<string> {
  const stream = await client.chat.completions.create({ model: "m", stream: true, messages: [] });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

test("an SDK call returns its value next to the exchange that made it", async () => {
  const context = await contextFor(answerJson({ object: "list", data: [{ id: "a" }] }));
  const outcome = await context.sdk((client) => client.models.list());
  expect(outcome.value?.data).toEqual([{ id: "a" }]);
  expect(outcome.error).toBeUndefined();
  expect(outcome.exchange.request).toMatchObject({ method: "GET", url: `${context.baseUrl}/models` });
  expect(outcome.exchange.request.headers["authorization"]).toBe(`Bearer ${KEY}`);
  expect(outcome.exchange.response).toMatchObject({ status: 200, end: "clean", truncated: false });
  expect(JSON.parse(bodyText(outcome.exchange))).toEqual({ object: "list", data: [{ id: "a" }] });
});

test("an error of the SDK is an outcome, with the response that caused it", async () => {
  const context = await contextFor(answerJson({ error: { message: "no", code: "c" } }, 401));
  const outcome = await context.sdk((client) => client.models.list());
  expect(outcome.value).toBeUndefined();
  expect(outcome.error).toBeInstanceOf(OpenAI.AuthenticationError);
  expect(outcome.exchange.response?.status).toBe(401);
});

test("an outcome signal thrown in an SDK call ends the check instead of being taken for the SDK's error", async () => {
  const context = await contextFor(answerJson({ object: "list", data: [] }));
  const failure = new Failure({ observer: "sdk", expected: "a", actual: "b" });
  await expect(context.sdk(() => Promise.reject(failure))).rejects.toBe(failure);
});

test("the SDK retries only when asked to, and every try is recorded", async () => {
  const context = await contextFor(
    (_request, response) => void response.writeHead(500, { "retry-after-ms": "1" }).end(),
  );
  expect((await context.sdk((client) => client.models.list())).exchanges).toHaveLength(1);
  expect((await context.sdk((client) => client.models.list(), { maxRetries: 2 })).exchanges).toHaveLength(3);
});

test("null sends no credentials, through the SDK and over the wire", async () => {
  const seen: unknown[] = [];
  const context = await contextFor((request, response) => {
    seen.push(request.headers.authorization);
    answerJson({ object: "list", data: [] })(request, response);
  });
  await context.sdk((client) => client.models.list(), { credential: null });
  await context.wire({ method: "GET", path: "/models", credential: null });
  await context.wire({ method: "GET", path: "/models", credential: { literal: "odd" } });
  await context.sdk((client) => client.models.list(), { credential: { authorization: "Basic odd" } });
  expect(seen).toEqual([undefined, undefined, "Bearer odd", "Basic odd"]);
});

test("a key or a fixture that the recipe lacks makes a check not testable", async () => {
  const context = await contextFor(answerJson({}));
  expect(() => context.key("expired")).toThrow(NotTestable);
  expect(() => context.fixture("body_bytes_max")).toThrow(NotTestable);
  await expect(context.wire({ method: "GET", path: "/models", credential: "expired" })).rejects.toThrow(NotTestable);
});

test.each(["clean", "cut"] as const)(
  "a body that ends %s is recorded so, under the SDK and over the wire",
  async (end) => {
    const context = await contextFor(streamOf([CHUNK], end));
    const { exchange, error } = await context.sdk(readStream);
    expect(exchange.response?.end).toBe(end);
    expect(error === undefined).toBe(end === "clean");
    expect(bodyText(exchange)).toBe(CHUNK);
    const wire = await context.wire({ method: "POST", path: "/chat/completions", body: "{}" });
    expect(wire.response?.end).toBe(end);
    expect(bodyText(wire)).toBe(CHUNK);
  },
);

test("leaving a stream half-read is recorded as aborted", async () => {
  const context = await contextFor(streamOf([CHUNK], "open"));
  const { exchange } = await context.sdk(async (client) => {
    const stream = await client.chat.completions.create({ model: "m", stream: true, messages: [] });
    for await (const chunk of stream) return chunk;
    return undefined;
  });
  expect(exchange.response?.end).toBe("aborted");
  const wire = await context.wire({ method: "POST", path: "/chat/completions", body: "{}", disconnectAfterBytes: 1 });
  expect(wire.response?.end).toBe("aborted");
});

test("a wire request that stops reading in time leaves the body open", async () => {
  const context = await contextFor(streamOf([CHUNK], "open"));
  const exchange = await context.wire({ method: "POST", path: "/x", body: "{}", disconnectAfterMs: 50 });
  expect(exchange.response?.end).toBe("open");
});

test("a server that says nothing at all leaves an exchange without a response", async () => {
  const context = await contextFor((request) => void request.socket.destroy());
  const exchange = await context.wire({ method: "GET", path: "/models" });
  expect(exchange.response).toBeNull();
  expect(exchange.transportError).toMatch(/^ECONNRESET:/);
  expect((await context.sdk((client) => client.models.list())).exchange.response).toBeNull();
});

test("recording stops at its limit while the SDK still gets everything", async () => {
  const id = "x".repeat(1000);
  const context = await contextFor(answerJson({ object: "list", data: [{ id }] }), 100);
  const { value, exchange } = await context.sdk((client) => client.models.list());
  expect(value?.data[0]?.id).toBe(id);
  expect(exchange.response?.truncated).toBe(true);
  expect(bodyText(exchange)).toHaveLength(100);
});

test("a compressed body reaches the SDK and the record decoded", async () => {
  const context = await contextFor((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "br" });
    response.end(brotliCompressSync('{"object":"list","data":[]}'));
  });
  const { value, exchange } = await context.sdk((client) => client.models.list());
  expect(value?.data).toEqual([]);
  expect(bodyText(exchange)).toBe('{"object":"list","data":[]}');
});

test("wire bytes and headers go out as the check wrote them", async () => {
  let seen: unknown;
  const context = await contextFor((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { authorization, "content-type": type, "x-odd": odd } = request.headers;
      seen = { authorization, type, odd, url: request.url, body: Buffer.concat(parts).toString("hex") };
      response.end();
    });
  });
  const headers = { authorization: "basic x", "content-type": null, "X-Odd": "1" };
  await context.wire({ method: "POST", path: "/a%2Fb?c", headers, body: Uint8Array.of(0xff, 0x00) });
  expect(seen).toEqual({ authorization: "basic x", type: undefined, odd: "1", url: "/v1/a%2Fb?c", body: "ff00" });
});

test("nothing can be sent once the check is over", async () => {
  const target = { baseUrl: "http://127.0.0.1:1/v1", keys: {}, models: {} };
  const { context } = createCheckContext({ target, signal: AbortSignal.abort(new Error("over")) });
  await expect(context.wire({ method: "GET", path: "/models" })).rejects.toThrow("over");
  await expect(context.sdk((client) => client.models.list())).rejects.toThrow("over");
});

test("what the SDK asks of fetch itself, to learn whether it can send forms, is no exchange with the target", async () => {
  const context = await contextFor(answerJson({ text: "" }));
  const file = new File(["RIFF"], "a.wav", { type: "audio/wav" });
  const { exchanges } = await context.sdk((client) => client.audio.transcriptions.create({ model: "m", file }));
  expect(exchanges.map(({ request }) => request.url)).toEqual([`${context.baseUrl}/audio/transcriptions`]);
});

test("what checks share is made once in a run, also when that came to an outcome", async () => {
  const run = {};
  const target = { baseUrl: "http://127.0.0.1:9/v1", keys: {}, models: {} };
  const { signal } = new AbortController();
  const contexts = [0, 1].map(() => createCheckContext({ target, signal, run }).context);
  const key = defineShared<string>();
  let made = 0;
  const make = async (): Promise<string> => {
    made += 1;
    throw new NotTestable("the target has none");
  };
  for (const context of contexts) await expect(context.shared(key, make)).rejects.toThrow("the target has none");
  expect(made).toBe(1);
  const other = createCheckContext({ target, signal, run: {} }).context;
  expect(await other.shared(key, async () => "another run")).toBe("another run");
});

test("what was not made in time, or broke, is made again", async () => {
  const target = { baseUrl: "http://127.0.0.1:9/v1", keys: {}, models: {} };
  const { context } = createCheckContext({ target, signal: new AbortController().signal, run: {} });
  const key = defineShared<string>();
  for (const error of [new Error("broken"), new Inconclusive("no result within 5 ms", "timeout")]) {
    await expect(context.shared(key, () => Promise.reject(error))).rejects.toThrow(error.message);
  }
  expect(await context.shared(key, async () => "made")).toBe("made");
});
