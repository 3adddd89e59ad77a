/** What gateways do that is legal, or somebody else's fault: no check may blame them for it. */

import { expect, test, vi } from "vitest";
import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import type { JsonObject } from "../src/expect.ts";
import type { ReferenceCall, Reply } from "./call.ts";
import { judgeWire, listKillers } from "./judge.ts";
import { VARIATIONS } from "./generated/legal.ts";
import { mutants } from "./mutants/index.ts";
import { type Mutant, omit, readReply } from "./mutants/mutant.ts";
import { readAt } from "./realtime/session.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

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

const json = (reply: Reply): { status: number; body: JsonObject } | null => {
  const isJson = reply.headers["content-type"]?.startsWith("application/json") === true && reply.status === 200;
  return isJson ? { status: reply.status, body: JSON.parse(readReply(reply)) as JsonObject } : null;
};
const written = (body: JsonObject): Partial<Reply> => ({ writes: [{ data: JSON.stringify(body), afterMs: 0 }] });

test("a usage that is always the same is one check's finding, and no proof that messages are dropped", async () => {
  const results = await judge(/^chat\.(?:usage\.counts-the-prompt|invariants\.conversation-body)$/, (reply) => {
    const { body } = json(reply) ?? {};
    const usage = { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 };
    return body?.["usage"] === undefined ? null : written({ ...body, usage });
  });
  expect(listKillers(results)).toEqual(["chat.usage.counts-the-prompt"]);
});

test("structured output that nothing constrains is not called mangled text", async () => {
  const results = await judge(/^chat\.(?:format\.json-schema|invariants\.unicode-body)$/, (reply) => {
    const { body } = json(reply) ?? {};
    const choices: unknown = body?.["choices"];
    if (body === undefined || !Array.isArray(choices)) return null;
    const message = { role: "assistant", content: '{"result":"no idea"}', refusal: null };
    return written({ ...body, choices: choices.map((choice: JsonObject) => ({ ...choice, message })) });
  });
  expect(listKillers(results)).toEqual(["chat.format.json-schema"]);
});

test("choices without an index are one check's finding, and no difference between answers and streams", async () => {
  const results = await judge(/^chat\.(?:completion\.index|invariants\.stream-says-the-same)$/, (reply) => {
    const { body } = json(reply) ?? {};
    const choices: unknown = body?.["choices"];
    if (body === undefined || !Array.isArray(choices) || choices.length !== 1) return null;
    return written({ ...body, choices: choices.map((choice: JsonObject) => omit(choice, "index")) });
  });
  expect(listKillers(results)).toEqual(["chat.completion.index"]);
});

test("an answer from a cache, or a clock that is a year behind, fails no must", async () => {
  const results = await judge(/^(?:chat\.completion\.created|chat\.invariants\.chat$)/, (reply) => {
    const { body } = json(reply) ?? {};
    const created = body?.["created"];
    return typeof created === "number" ? written({ ...body, created: created - 365 * 86_400 }) : null;
  });
  expect(results.map(({ outcome }) => outcome)).toEqual(results.map(() => "pass"));
});

/** A part of the wire that differs, as mutants and variations have it. */
async function judgeWith(ids: RegExp, { mutate }: Pick<Mutant, "mutate">) {
  const wire: ReferenceWire = defineReferenceWire();
  return judgeWire({ ...wire, ...mutate(wire) }, { checks: checks.filter(({ id }) => ids.test(id)) });
}

const findNamed = <T extends { readonly id: string }>(list: readonly T[], id: string): T => {
  const found = list.find((one) => one.id === id);
  if (found === undefined) throw new Error(`There is no ${id}.`);
  return found;
};

const NOT_KEPT = { error: { message: "Not found.", type: "invalid_request_error", param: null, code: "not_found" } };

test("a server that keeps only the last two responses and conversations fails no check that needs more", async () => {
  const made: string[] = [];
  const ids = /^(?:\w+\.invariants|errors\.legal)\.(?:conversation|responses-(?:get|cancel|delete|input-items))/;
  const results = await judge(ids, (reply, { method, path }) => {
    const [, asked] = /^\/(?:responses|conversations)\/(\w+)/.exec(path) ?? [];
    if (asked !== undefined) {
      const isEvicted = made.includes(asked) && !made.slice(-2).includes(asked);
      return isEvicted ? { status: 404, ...written(NOT_KEPT) } : null;
    }
    const [, id] = /"id":"((?:resp|conv)_\w+)"/.exec(readReply(reply)) ?? [];
    if (method === "POST" && id !== undefined) made.push(id);
    return null;
  });
  const inconclusive = results.filter(({ outcome }) => outcome === "inconclusive").map(({ check }) => check.id);
  expect(inconclusive).toContain("responses.invariants.responses-get");
  expect(inconclusive).toContain("responses.invariants.conversations-get");
  expect(listKillers(results)).toEqual([]);
});

test("a model that ignores `stream` of a transcription, as whisper-1 does, is judged without streams", async () => {
  const ids = /^(?:audio|http)\..*transcriptions[-.]stream/;
  const results = await judgeWith(ids, findNamed(VARIATIONS, "legal.audio.stream-ignored"));
  const outcomes = results.map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === "unsupported")).toHaveLength(10);
  expect(outcomes.filter((outcome) => outcome !== "unsupported" && outcome !== "pass")).toEqual([]);
});

test("a session that names the model that it uses is no answer by an unknown one", async () => {
  const results = await judgeWith(/^realtime\.session\.refuses-unknown-model$/, {
    mutate: ({ realtime }) => ({
      realtime: {
        ...realtime,
        update: (session, message, wire) => {
          const path = ["session", "audio", "input", "transcription"];
          if (readAt(message, [...path, "model"]) !== "conformance-no-such-model") {
            return realtime.update(session, message, wire);
          }
          const patch = { type: "transcription", audio: { input: {} } };
          return realtime.update(session, { ...message, session: patch }, wire);
        },
      },
    }),
  });
  expect(results.map(({ outcome }) => outcome)).toEqual(["pass"]);
});

test.each([
  ["chat", "stream.usage-not-sent", "chat.stream.usage-chunk"],
  ["completions", "completions.stream.no-usage", "completions.stream.usage"],
])("streams of %s without usage are one check's finding", async (area, mutant, check) => {
  const ids = new RegExp(`^${area}\\.(?:stream\\.|invariants\\.(?:stream-says|conversation-stream|[a-z]+-stream))`);
  const results = await judgeWith(ids, findNamed(mutants, mutant));
  expect(listKillers(results)).toEqual([check]);
  expect(results.filter(({ isOrphan }) => isOrphan)).toEqual([]);
});
