/**
 * The upstream that every contender is measured against: it answers chats at once, in a process of its own, and knows
 * when a stream's reader disconnected. It runs no model and checks nothing.
 */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { serveCalls } from "../worker.ts";
import { monotonicMs } from "./clock.ts";
import { FIRST_EVENT, JSON_ANSWER, TOKEN_EVENTS, encodeLastEvents } from "./mock-answers.ts";

export type MockUpstreamCalls = {
  /** Listens on a free port of the loopback interface. @returns the URL of the API. */
  listen: (argument: null) => Promise<string>;
  /**
   * Sets how long streams wait between two events. With 0 they write one event each turn of the event loop, as long as
   * it is read: like an engine that samples a token for each of its streams in turn.
   */
  setEventInterval: (timeMs: number) => Promise<void>;
  /**
   * Waits for so many streams to be closed before their end. @returns when each was, by the clock that all processes
   * share, since the last call; fewer when the time is over.
   */
  takeDisconnects: (expected: { readonly count: number; readonly timeoutMs: number }) => Promise<readonly number[]>;
};

interface ChatBody {
  readonly stream?: boolean;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly stream_options?: { readonly include_usage?: boolean };
}

const DISCONNECTS_CHECK_INTERVAL_MS = 5;

let eventIntervalMs = 0;
let disconnectedAtMs: number[] = [];

const server = createServer((incoming, response) => {
  const parts: Buffer[] = [];
  incoming.on("data", (part: Buffer) => parts.push(part));
  incoming.on("end", () => answer(incoming, response, Buffer.concat(parts).toString()));
});
server.keepAliveTimeout = 60_000;

function answer(incoming: IncomingMessage, response: ServerResponse, text: string): void {
  if (incoming.url !== "/v1/chat/completions") {
    response.writeHead(404, { "content-type": "application/json" }).end(`{"error":{"message":"not here"}}`);
    return;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the benchmark's own requests
  const body = JSON.parse(text) as ChatBody;
  if (body.stream === true) return streamChat(response, body);
  response.writeHead(200, { "content-type": "application/json", "content-length": JSON_ANSWER.length });
  response.end(JSON_ANSWER);
}

function streamChat(response: ServerResponse, body: ChatBody): void {
  const tokens = body.max_completion_tokens ?? body.max_tokens ?? TOKEN_EVENTS.length;
  let sent = 0;
  const next = () => {
    if (eventIntervalMs > 0) setTimeout(step, eventIntervalMs);
    else setImmediate(step);
  };
  const step = () => {
    if (response.destroyed) return;
    if (sent >= tokens) {
      response.end(encodeLastEvents(tokens, body.stream_options?.include_usage === true));
      return;
    }
    const event = TOKEN_EVENTS[sent % TOKEN_EVENTS.length] ?? FIRST_EVENT;
    sent += 1;
    if (response.write(event)) next();
    else response.once("drain", next);
  };
  response.on("close", () => {
    if (!response.writableFinished) disconnectedAtMs.push(monotonicMs());
  });
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  response.write(FIRST_EVENT);
  next();
}

serveCalls({
  async listen() {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the mock listens on no TCP port");
    return `http://127.0.0.1:${address.port}/v1`;
  },
  async setEventInterval(timeMs) {
    eventIntervalMs = timeMs;
  },
  async takeDisconnects({ count, timeoutMs }) {
    const endsAt = monotonicMs() + timeoutMs;
    while (disconnectedAtMs.length < count && monotonicMs() < endsAt) {
      await new Promise((resolve) => setTimeout(resolve, DISCONNECTS_CHECK_INTERVAL_MS));
    }
    const taken = disconnectedAtMs;
    disconnectedAtMs = [];
    return taken;
  },
} satisfies MockUpstreamCalls);
