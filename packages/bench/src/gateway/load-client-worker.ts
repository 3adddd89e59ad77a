/**
 * The client that makes the load, in a process of its own. It is a closed loop: each connection sends its next request
 * when the last one was answered. Whatever isn't a complete answer of status 200 fails the measurement.
 */

import { Pool } from "undici";
import { serveCalls } from "../worker.ts";
import { monotonicMs } from "./clock.ts";
import { encodeChatBody, exchange } from "./exchange.ts";
import type { Target } from "./exchange.ts";
import { runPaced, runSlowStreams } from "./timed-load.ts";
import type { PacedLoad, SlowStreamsLoad, SlowStreamsResult } from "./timed-load.ts";

export interface Load {
  readonly target: Target;
  readonly connections: number;
  /** No request begins after this. */
  readonly durationMs: number;
  /** Nor after so many. */
  readonly requestsMax: number;
}

export interface StreamLoad extends Load {
  /** Tokens of each stream; the role and the end are events too. */
  readonly tokens: number;
}

export interface LoadResult {
  /** One-shot answers or whole streams. */
  readonly requests: number;
  readonly elapsedMs: number;
  /** From sending a request to its whole answer, sorted; without each connection's first, which had to connect. */
  readonly latenciesMs: readonly number[];
}

export interface StreamResult extends LoadResult {
  readonly events: number;
  /** From sending a request to the first bytes of its stream, sorted. */
  readonly firstEventsMs: readonly number[];
}

export type LoadClientCalls = {
  json: (load: Load) => Promise<LoadResult>;
  streams: (load: StreamLoad) => Promise<StreamResult>;
  /** @returns the time of each request, in milliseconds, sorted. */
  paced: (load: PacedLoad) => Promise<readonly number[]>;
  slowStreams: (load: SlowStreamsLoad) => Promise<SlowStreamsResult>;
  /**
   * Opens this many streams, and disconnects from all at once when each has had an event.
   *
   * @returns when, by the shared clock.
   */
  disconnect: (disconnects: { readonly target: Target; readonly streams: number }) => Promise<number>;
};

/** The role, the end and `[DONE]`. */
const EVENTS_BESIDE_TOKENS = 3;
/** More than any disconnecting client waits for. */
const ENDLESS_TOKENS = 4000;

/** Runs `send` on every connection until time or requests are used up. @returns the time of each, sorted. */
async function runLoop(load: Load, send: (pool: Pool) => Promise<void>): Promise<LoadResult> {
  const pool = new Pool(new URL(load.target.baseUrl).origin, { connections: load.connections });
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + load.durationMs;
  let requests = 0;
  const runConnection = async () => {
    let isConnected = false;
    while (requests < load.requestsMax && performance.now() < endsAt) {
      requests += 1;
      const sentAt = performance.now();
      await send(pool);
      if (isConnected) latenciesMs.push(performance.now() - sentAt);
      isConnected = true;
    }
  };
  try {
    await Promise.all(Array.from({ length: load.connections }, runConnection));
  } finally {
    await pool.destroy();
  }
  const elapsedMs = performance.now() - startedAt;
  return { requests, elapsedMs, latenciesMs: sort(latenciesMs) };
}

function sort(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b);
}

const LINE_FEED = 10;

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}

serveCalls({
  async json(load) {
    const body = encodeChatBody(load.target, { max_tokens: 64 });
    return runLoop(load, (pool) => exchange(pool, { target: load.target, body }));
  },
  async streams(load) {
    const body = encodeChatBody(load.target, { max_tokens: load.tokens, stream: true });
    const firstEventsMs: number[] = [];
    let lines = 0;
    const result = await runLoop(load, async (pool) => {
      const sentAt = performance.now();
      let streamLines = 0;
      const onData = (bytes: Buffer) => {
        if (streamLines === 0) firstEventsMs.push(performance.now() - sentAt);
        streamLines += countLines(bytes);
      };
      await exchange(pool, { target: load.target, body, onData });
      // Each event is a line and an empty one.
      const expected = 2 * (load.tokens + EVENTS_BESIDE_TOKENS);
      if (streamLines !== expected) throw new Error(`a stream had ${streamLines} lines instead of ${expected}`);
      lines += streamLines;
    });
    return { ...result, events: lines / 2, firstEventsMs: sort(firstEventsMs) };
  },
  paced: runPaced,
  slowStreams: (load) => runSlowStreams(load, load.tokens + EVENTS_BESIDE_TOKENS, countLines),
  async disconnect({ target, streams }) {
    const body = encodeChatBody(target, { max_tokens: ENDLESS_TOKENS, stream: true });
    const pool = new Pool(new URL(target.baseUrl).origin, { connections: streams });
    const disconnecting = new AbortController();
    const exchanges = Array.from({ length: streams }, () => {
      const started = Promise.withResolvers<void>();
      const ended = exchange(pool, {
        target,
        body,
        onData: () => started.resolve(),
        disconnected: disconnecting.signal,
      });
      return { ended, started: Promise.race([started.promise, ended]) };
    });
    await Promise.all(exchanges.map(({ started }) => started));
    const disconnectedAtMs = monotonicMs();
    disconnecting.abort();
    await Promise.all(exchanges.map(({ ended }) => ended));
    await pool.destroy();
    return disconnectedAtMs;
  },
} satisfies LoadClientCalls);
