/** Comments and silence are legal in a stream: a server that sends them, and is right otherwise, fails nothing. */

import { expect, test } from "vitest";
import { checks } from "../checks/index.ts";
import { judgeInLots } from "./judge.ts";
import type { Write } from "./call.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

const SILENCE_MS = 150;
const KEEP_ALIVE: Write = { data: ": keep-alive\n\n", afterMs: 0 };

/** Silence, a comment, silence again, and a comment before every third event. */
const keepAlive: ReferenceWire["reply"] = (reply) => {
  if (reply.headers["content-type"]?.startsWith("text/event-stream") !== true) return reply;
  const [first, ...others] = reply.writes;
  if (first === undefined) return reply;
  const between = others.flatMap((write, index) => (index % 3 === 0 ? [KEEP_ALIVE, write] : [write]));
  const begin = { ...KEEP_ALIVE, afterMs: SILENCE_MS };
  return { ...reply, writes: [begin, begin, { ...first, afterMs: SILENCE_MS }, ...between] };
};

test("comments in a stream and silence before its first event fail no check", async () => {
  const streaming = checks.filter(({ area }) => ["chat", "completions", "sse", "upstreams", "billing"].includes(area));
  const limits = { checkTimeoutMs: 30_000, runTimeoutMs: 120_000, concurrency: 1 };
  const results = await judgeInLots(
    { ...defineReferenceWire(), reply: keepAlive },
    { lots: 8, checks: streaming, limits },
  );
  const others = results.filter(({ outcome }) => outcome !== "pass");
  expect(others.map(({ check, outcome, reason }) => `${outcome} ${check.id}: ${reason}`)).toEqual([
    expect.stringMatching(/^warn sse\.no-comment-event: /),
  ]);
  expect(results.length).toBeGreaterThan(200);
}, 120_000);
