/**
 * Loads whose requests are due at a time of their own, whatever became of those before: what a request waits for a busy
 * gateway counts.
 */

import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";
import { encodeChatBody, exchange } from "./exchange.ts";
import type { Target } from "./exchange.ts";

export interface PacedLoad {
  readonly target: Target;
  readonly requestsPerSecond: number;
  readonly durationMs: number;
}

export interface SlowStreamsLoad {
  readonly target: Target;
  readonly streams: number;
  /** In which all are opened, one after the other. */
  readonly openingMs: number;
  readonly tokens: number;
}

export interface SlowStreamsResult {
  /** Streams that had all their events. */
  readonly whole: number;
  readonly events: number;
  /** From the moment a stream was due to its first bytes, sorted; of those that had any. */
  readonly firstEventsMs: readonly number[];
}

/** Connections that a paced load may use; more requests at once wait. */
const PACED_CONNECTIONS = 16;

/** @returns from the moment each was due to its whole answer, in milliseconds, sorted. @throws Error for any status but 200 */
export async function runPaced({ target, requestsPerSecond, durationMs }: PacedLoad): Promise<readonly number[]> {
  const pool = new Pool(new URL(target.baseUrl).origin, { connections: PACED_CONNECTIONS });
  const body = encodeChatBody(target, { max_tokens: 64 });
  const count = Math.floor((requestsPerSecond * durationMs) / 1000);
  const startedAt = performance.now();
  const send = async (index: number) => {
    const dueAt = startedAt + (index * 1000) / requestsPerSecond;
    await wait(Math.max(0, dueAt - performance.now()));
    // The client's own timer is late at times: that is no delay of the gateway.
    const sentAt = performance.now();
    await exchange(pool, { target, body });
    return performance.now() - sentAt;
  };
  try {
    const latenciesMs = await Promise.all(Array.from({ length: count }, (_, index) => send(index)));
    return latenciesMs.toSorted((a, b) => a - b);
  } finally {
    await pool.destroy();
  }
}

/** @param eventCount of a whole stream. @param countLines of bytes: an event is a line and an empty one */
export async function runSlowStreams(
  load: SlowStreamsLoad,
  eventCount: number,
  countLines: (bytes: Buffer) => number,
): Promise<SlowStreamsResult> {
  const { target, streams, openingMs, tokens } = load;
  const pool = new Pool(new URL(target.baseUrl).origin, { connections: streams });
  const body = encodeChatBody(target, { max_tokens: tokens, stream: true });
  const startedAt = performance.now();
  const firstEventsMs: number[] = [];
  let whole = 0;
  let events = 0;
  const open = async (index: number) => {
    const dueAt = startedAt + (index * openingMs) / streams;
    await wait(Math.max(0, dueAt - performance.now()));
    let seen = 0;
    const onData = (bytes: Buffer) => {
      if (seen === 0) firstEventsMs.push(performance.now() - dueAt);
      seen += countLines(bytes) / 2;
    };
    // A stream that is refused or broken is none that is whole, and is counted as such.
    await exchange(pool, { target, body, onData }).catch(() => {});
    events += seen;
    if (seen === eventCount) whole += 1;
  };
  try {
    await Promise.all(Array.from({ length: streams }, (_, index) => open(index)));
  } finally {
    await pool.destroy();
  }
  return { whole, events, firstEventsMs: firstEventsMs.toSorted((a, b) => a - b) };
}
