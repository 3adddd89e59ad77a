/** What gateways do that is legal, or somebody else's fault: no check may blame them for it. */

import { expect, test, vi } from "vitest";
import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import type { ReferenceCall, Reply } from "./call.ts";
import { judgeWire, listKillers } from "./judge.ts";
import { readReply } from "./mutants/mutant.ts";
import { defineReferenceWire } from "./wire.ts";

/** Many requests, on a machine that may be busy with others. */
vi.setConfig({ testTimeout: 120_000 });

async function judge(ids: RegExp, change: (reply: Reply, call: ReferenceCall) => Partial<Reply> | null) {
  const wire = defineReferenceWire();
  const chosen: readonly Check[] = checks.filter(({ id }) => ids.test(id));
  const reply = (given: Reply, call: ReferenceCall): Reply => ({ ...given, ...change(given, call) });
  return judgeWire({ ...wire, reply }, { checks: chosen });
}

const notFound = { status: 404, writes: [{ data: '{"detail":"Not Found"}', afterMs: 0 }] } as const;

test("a server that transcribes and does not translate is judged without translations", async () => {
  const results = await judge(/^audio\.translations\.(?:sdk|json|text|refuses|uploads\.blob|refusal)/, (_, call) =>
    call.path.endsWith("/translations") ? notFound : null,
  );
  expect(results.length).toBeGreaterThan(10);
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["not-testable"]));
});

test("a stream that is made within a few milliseconds may come in one piece", async () => {
  const ids = /^(?:chat|completions)\.(?:stream\.flushed|invariants\.\w+-stream-details)$/;
  const results = await judge(ids, (reply) =>
    reply.headers["content-type"]?.startsWith("text/event-stream") === true
      ? { writes: [{ data: readReply(reply), afterMs: 0 }] }
      : null,
  );
  expect(results).toHaveLength(4);
  expect(listKillers(results)).toEqual([]);
});

test("an error of a message and a type alone is an error body for every must", async () => {
  const ids = /^errors\.(?:invariants\.(?:chat|models-list|embeddings)|envelope\.(?:bad-json|unknown-model))$/;
  const results = await judge(ids, (reply) => {
    if (reply.status < 400) return null;
    const { error } = JSON.parse(readReply(reply)) as { error: { message: string; type: string } };
    const short = JSON.stringify({ error: { message: error.message, type: error.type } });
    return { writes: [{ data: short, afterMs: 0 }] };
  });
  expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => "pass"));
});

test("pages may be shown other headers by one operation than by another, if not the two that the SDK reads", async () => {
  const name = "access-control-expose-headers";
  const results = await judge(/^http\.invariants\.(?:chat|embeddings)$/, ({ headers }, call) =>
    call.operation === "listModels" ? null : { headers: { ...headers, [name]: `${headers[name]}, x-gateway-trace` } },
  );
  expect(results.map(({ outcome }) => outcome)).toEqual(["pass", "pass"]);
});
