import { setTimeout as delay } from "node:timers/promises";
import type { UpstreamRequest } from "@openai-compat/core";
import { expect, test, vi } from "vitest";
import { openExchange } from "./exchange.ts";
import { startRawUpstream, startUpstream } from "./testing/fake-upstream.ts";
import {
  chunk,
  collectAnswer,
  createTestEngine,
  delta,
  never,
  rejection,
  upstreamRequest,
} from "./testing/upstream-calls.ts";

const JSON_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";

interface Hostile {
  readonly socket: Parameters<Parameters<typeof startRawUpstream>[0]>[0];
}

/** The result of a call to an upstream that writes these bytes: its text, or the code and cause of its error. */
async function outcomeOf(
  write: (socket: Hostile["socket"]) => void,
  options: {
    readonly request?: Partial<UpstreamRequest>;
    readonly settings?: Parameters<typeof createTestEngine>[1];
  } = {},
): Promise<string> {
  const { baseUrl } = await startRawUpstream(write);
  const engine = createTestEngine([baseUrl], options.settings);
  return collectAnswer(engine.forward(upstreamRequest(options.request), never)).then(
    ({ text }) => text,
    (thrown: { code: string; cause: unknown }) => `${thrown.code}: ${String(thrown.cause)}`,
  );
}

test("a head without an end is refused at its limit", async () => {
  const write = (socket: Hostile["socket"]) => {
    socket.write(JSON_HEAD);
    const flood = setInterval(() => socket.write(`x-more: ${"x".repeat(500)}\r\n`), 1);
    socket.on("close", () => clearInterval(flood));
  };
  expect(await outcomeOf(write, { settings: { headBytesMax: 4000 } })).toMatch(/^upstream_failed: .*HEADERS_OVERFLOW/);
});

test("an event without an end is refused at its limit, and little of it is buffered", async () => {
  const line = Buffer.alloc(65_536, "x");
  const write = (socket: Hostile["socket"]) => {
    socket.write(`${STREAM_HEAD}\r\ndata: `);
    const flood = () => {
      while (!socket.destroyed && socket.write(line));
    };
    socket.on("drain", flood);
    flood();
  };
  expect(await outcomeOf(write, { request: { stream: true } })).toMatch(
    /^upstream_failed: .*longer than 1048576 bytes/,
  );
});

test("an answer is refused at its limit, streamed or not", async () => {
  const settings = { answerBytesMax: 1000 };
  const body = JSON.stringify({ text: "x".repeat(1000) });
  const whole = (socket: Hostile["socket"]) => socket.end(`${JSON_HEAD}content-length: ${body.length}\r\n\r\n${body}`);
  expect(await outcomeOf(whole, { settings })).toMatch(/^upstream_failed: .*longer than 1000 bytes/);
  const streamed = (socket: Hostile["socket"]) => socket.end(`${STREAM_HEAD}\r\n${delta("x").repeat(20)}`);
  expect(await outcomeOf(streamed, { settings, request: { stream: true } })).toMatch(/longer than 1000 bytes/);
});

test("a call that was aborted before its connection is there sends nothing and gives the connection back", async () => {
  const connection = { dispatch: vi.fn(), release: vi.fn(), destroy: vi.fn() };
  const limits = { firstByteTimeoutMs: 60, stallTimeoutMs: 60, answerBytesMax: 100, readAheadBytesMax: 100 };
  const signal = AbortSignal.abort(new Error("gone"));
  const options = { limits, signal, onSent: () => {}, readOnMs: () => 0 };
  await expect(openExchange(connection, { path: "/", headers: {}, body: "" }, options)).rejects.toThrow("gone");
  expect(connection.dispatch).not.toHaveBeenCalled();
  expect(connection.release).toHaveBeenCalledOnce();
});

test("an upstream that never answers times out when the first byte is due", async () => {
  const settings = { firstByteTimeoutMs: 60 };
  expect(await outcomeOf(() => {}, { settings })).toMatch(/^upstream_timeout: .*in time/);
  const headOnly = (socket: Hostile["socket"]) => socket.write(`${JSON_HEAD}content-length: 9\r\n\r\n`);
  expect(await outcomeOf(headOnly, { settings })).toMatch(/^upstream_timeout: .*in time/);
});

test("a head that arrives slowly times out when the first byte is due", async () => {
  const write = (socket: Hostile["socket"]) => {
    socket.write(JSON_HEAD);
    const drip = setInterval(() => socket.write("x"), 10);
    socket.on("close", () => clearInterval(drip));
  };
  expect(await outcomeOf(write, { settings: { firstByteTimeoutMs: 80 } })).toMatch(/^upstream_timeout/);
});

test("a stalled body times out after the stall timeout, and a slow one doesn't", async () => {
  const settings = { stallTimeoutMs: 200 };
  const stops = (socket: Hostile["socket"]) => socket.write(`${STREAM_HEAD}\r\n${delta("one")}`);
  expect(await outcomeOf(stops, { settings, request: { stream: true } })).toMatch(/^upstream_timeout: .*stalled/);
  const slow = async (socket: Hostile["socket"]) => {
    socket.write(`${STREAM_HEAD}\r\n`);
    for (let count = 0; count < 4; count += 1) {
      socket.write(delta("one"));
      await delay(80);
    }
    socket.end(`${delta("", "stop")}data: [DONE]\n\n`);
  };
  expect(await outcomeOf((socket) => void slow(socket), { settings, request: { stream: true } })).toMatch(/\[DONE\]/);
});

test("a connection that is not established times out", async () => {
  // An address that is set aside for documentation: packets to it get no answer, or no route.
  const engine = createTestEngine(["http://192.0.2.1:9/v1"], { connectTimeoutMs: 50 });
  const started = performance.now();
  await expect(collectAnswer(engine.forward(upstreamRequest(), never))).rejects.toMatchObject({
    code: "upstream_unavailable",
  });
  expect(performance.now() - started).toBeLessThan(3000);
});

test.each([
  ["garbage instead of HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["garbage as chunk size", `${JSON_HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
  ["a body shorter than promised", `${JSON_HEAD}content-length: 50\r\n\r\n{}`],
  ["a chunked body without its end", `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n`],
  ["no content type", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"],
  ["a web page", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\n{}"],
  ["half of a JSON object", `${JSON_HEAD}content-length: 4\r\n\r\n{"a"`],
  ["a JSON list", `${JSON_HEAD}content-length: 2\r\n\r\n[]`],
  ["an answer that is not compressed as it says", `${JSON_HEAD}content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}`],
  ["an unknown compression", `${JSON_HEAD}content-encoding: lzma\r\ncontent-length: 2\r\n\r\n{}`],
  ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"],
  ["no content", "HTTP/1.1 204 No Content\r\n\r\n"],
  ["an end before the head", "HTTP/1.1 200 OK\r\ncontent-"],
])("%s is an upstream that failed", async (_what, answer) => {
  expect(await outcomeOf((socket) => socket.end(answer))).toMatch(/^upstream_failed: UpstreamError/);
});

test("an error object in a good answer is an error", async () => {
  const error = JSON.stringify({ error: { message: "too hot", type: "invalid_request_error", code: "invalid_value" } });
  const write = (socket: Hostile["socket"]) =>
    socket.end(`${JSON_HEAD}content-length: ${error.length}\r\n\r\n${error}`);
  expect(await outcomeOf(write)).toBe("invalid_value: undefined");
});

test("JSON that is no answer in the place of a stream, and of speech, is refused", async () => {
  const write = (socket: Hostile["socket"]) => socket.end(`${JSON_HEAD}content-length: 2\r\n\r\n{}`);
  expect(await outcomeOf(write, { request: { stream: true } })).toMatch(/^upstream_failed: .*no choices/);
  expect(await outcomeOf(write, { request: { operation: "createSpeech" } })).toMatch(
    /^upstream_failed: .*application\/json/,
  );
});

test("an answer in the style of HTTP/1.0 ends where the connection does", async () => {
  const write = (socket: Hostile["socket"]) =>
    socket.end('HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{"text":"a"}');
  expect(await outcomeOf(write, { request: { operation: "createTranscription" } })).toBe('{"text":"a"}');
});

test("hints that come before the answer are skipped", async () => {
  const hints = "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
  const write = (socket: Hostile["socket"]) =>
    socket.end(`${hints}${hints}${JSON_HEAD}content-length: 12\r\n\r\n{"text":"a"}`);
  expect(await outcomeOf(write, { request: { operation: "createTranscription" } })).toBe('{"text":"a"}');
});

test("bytes that are no UTF-8 reach the caller as replacement characters, never as they are", async () => {
  const head = `${STREAM_HEAD}\r\n`;
  const write = (socket: Hostile["socket"]) =>
    socket.end(Buffer.concat([Buffer.from(head), Buffer.from(delta("a|b", "stop").replace("|", "\u00ff"), "latin1")]));
  const text = await outcomeOf(write, { request: { stream: true } });
  expect(text).toContain('"content":"a\uFFFDb"');
});

test("a stream that is cut in the middle has failed after what had come", async () => {
  const { baseUrl } = await startRawUpstream((socket) => {
    socket.write(`${STREAM_HEAD}transfer-encoding: chunked\r\n\r\n`);
    const piece = delta("one");
    socket.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    setTimeout(() => socket.destroy(), 30);
  });
  const seen: string[] = [];
  const run = async () => {
    for await (const event of createTestEngine([baseUrl]).forward(upstreamRequest({ stream: true }), never))
      seen.push(event.type);
  };
  await expect(run()).rejects.toMatchObject({ code: "upstream_failed" });
  expect(seen).toEqual(["upstream-start", "upstream-data"]);
});

test("an error whose body never ends is mapped by its status", async () => {
  const write = (socket: Hostile["socket"]) => {
    socket.write("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n\r\n");
    socket.write(`{"error":{"message":"${"x".repeat(70_000)}`);
  };
  expect(await outcomeOf(write)).toMatch(/^invalid_request/);
});

const BEFORE_ABORT: Readonly<Record<string, { readonly bytes: string; readonly request: Partial<UpstreamRequest> }>> = {
  "waiting for the head": { bytes: "", request: {} },
  "in the middle of a stream": { bytes: `${STREAM_HEAD}\r\n${delta("one")}`, request: { stream: true } },
};

test.each(Object.entries(BEFORE_ABORT))(
  "an abort while %s closes the connection",
  async (_when, { bytes, request }) => {
    const closed = Promise.withResolvers<void>();
    const { baseUrl } = await startRawUpstream((socket) => {
      socket.on("close", () => closed.resolve());
      socket.write(bytes);
    });
    const controller = new AbortController();
    const engine = createTestEngine([baseUrl], { stallTimeoutMs: 600_000 });
    const call = rejection(collectAnswer(engine.forward(upstreamRequest(request), controller.signal)));
    await delay(150);
    const reason = new Error("gone");
    controller.abort(reason);
    expect(await call).toBe(reason);
    // None of the engine's own limits would close it within the time of a test.
    await closed.promise;
    expect(engine.upstreams()).toMatchObject([{ running: 0, state: "closed" }]);
  },
);

test("an aborted call is not sent at all", async () => {
  const upstream = await startUpstream(() => {});
  const reason = new Error("gone");
  const call = createTestEngine([upstream.baseUrl]).forward(upstreamRequest(), AbortSignal.abort(reason));
  expect(await rejection(collectAnswer(call))).toBe(reason);
  expect(upstream.connections()).toBe(0);
});

test("ending the iteration early closes the connection", async () => {
  const upstream = await startRawUpstream((socket) => socket.write(`${STREAM_HEAD}\r\n${delta("one")}`));
  for await (const event of createTestEngine([upstream.baseUrl]).forward(upstreamRequest({ stream: true }), never)) {
    if (event.type === "upstream-data") break;
  }
  await vi.waitFor(() => expect(upstream.openConnections()).toBe(0));
});

test("a consumer that stops makes the upstream wait, and does not count as a stall", async () => {
  let written = 0;
  const piece = Buffer.from(chunk({ choices: [{ index: 0, delta: { content: "x".repeat(10_000) } }] }));
  const { baseUrl } = await startRawUpstream((socket) => {
    socket.write(`${STREAM_HEAD}\r\n`);
    const flood = () => {
      do written += piece.length;
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", flood);
    flood();
  });
  const engine = createTestEngine([baseUrl], { readAheadBytesMax: 100_000, stallTimeoutMs: 600, answerBytesMax: 1e9 });
  const events = engine.forward(upstreamRequest({ stream: true }), never)[Symbol.asyncIterator]();
  await events.next();
  await events.next();
  await delay(1000);
  const before = written;
  await delay(200);
  expect(written, "the socket's buffers are full").toBe(before);
  expect(written).toBeLessThan(20_000_000);
  for (let count = 0; count < 200; count += 1) expect((await events.next()).done).toBe(false);
  expect(written).toBeGreaterThan(before);
  await events.return?.();
});
