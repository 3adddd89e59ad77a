/** A model may be weak, odd or slow to speak: whatever it writes, a server that serves it right fails nothing. */

import { expect, test } from "vitest";
import { checks } from "../checks/index.ts";
import type { CheckResult } from "../src/outcome.ts";
import type { Chunk, Completion, Usage } from "./answer.ts";
import { judgeWire, listKillers } from "./judge.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

interface Model {
  readonly text: string | null;
  readonly finishReason: string;
  readonly tokens: number;
}

/** The reference server with this model behind it: it always says the same. */
function serveModel({ text, finishReason, tokens }: Model): ReferenceWire {
  const count = (usage: Usage): Usage => ({
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: tokens,
    total_tokens: usage.prompt_tokens + tokens,
  });
  const completion = (given: Completion): object => ({
    ...given,
    choices: given.choices.map((choice, index) => ({
      ...choice,
      message: { role: "assistant", content: text, refusal: null, reasoning_content: "Hm." },
      finish_reason: finishReason,
      index,
    })),
    usage: count(given.usage),
  });
  const chunks = (given: readonly Chunk[]): readonly object[] => {
    const kept = given.filter(({ choices: [choice] }) => choice?.delta.content === undefined || choice.delta.role);
    return kept.map((chunk) => ({
      ...chunk,
      ...(chunk.usage ? { usage: count(chunk.usage) } : {}),
      choices: chunk.choices.map((choice) =>
        choice.finish_reason === null
          ? { ...choice, delta: { role: "assistant", content: text } }
          : { ...choice, finish_reason: finishReason },
      ),
    }));
  };
  return { ...defineReferenceWire(), completion, chunks };
}

function findOutcome(results: readonly CheckResult[], id: string): string | undefined {
  return results.find(({ check }) => check.id === id)?.outcome;
}

test.for<[string, Model]>([
  ["stops at once", { text: "", finishReason: "stop", tokens: 0 }],
  ["writes one word", { text: "1", finishReason: "stop", tokens: 1 }],
  ["thinks up to its limit", { text: null, finishReason: "length", tokens: 3 }],
  ["writes bytes that are no text", { text: "\u{FFFD}\u{FFFD}", finishReason: "length", tokens: 3 }],
])("no check blames the server for a model that %s", async ([, model]) => {
  expect(listKillers(await judgeWire(serveModel(model)))).toEqual([]);
});

/** A 400 with this code to every chat request for which `when` holds. */
function refuse(when: (body: Readonly<Record<string, unknown>>) => boolean, code: string, param: string) {
  const wire = defineReferenceWire();
  const message = `${param} is not supported with this model`;
  const body = { error: { message, type: "invalid_request_error", param, code } };
  const reply: ReferenceWire["reply"] = (given, call) => {
    if (call.operation !== "createChatCompletion" || given.status !== 200) return given;
    if (!when(JSON.parse(Buffer.from(call.body ?? []).toString("utf8")))) return given;
    const headers = { ...given.headers, "content-type": "application/json" };
    return { ...given, status: 400, headers, writes: [{ data: JSON.stringify(body), afterMs: 0 }] };
  };
  return { ...wire, reply };
}

test("a model that has no `max_tokens` leaves chat unsupported, not failed", async () => {
  const wire = refuse((body) => "max_tokens" in body, "unsupported_parameter", "max_tokens");
  const results = await judgeWire(wire);
  expect(listKillers(results)).toEqual([]);
  expect(findOutcome(results, "chat.completion.answers")).toBe("unsupported");
});

test("a server without streams is unsupported there when it says so, and fails when it breaks", async () => {
  const isStream = (body: Readonly<Record<string, unknown>>): boolean => body["stream"] === true;
  const refusing = refuse(isStream, "invalid_value", "stream");
  expect(findOutcome(await judgeWire(refusing), "chat.stream.content-type")).toBe("unsupported");
  const breaking: ReferenceWire = {
    ...refusing,
    reply: (reply, call) => {
      const refused = refusing.reply(reply, call);
      return refused === reply ? reply : { ...refused, status: 500 };
    },
  };
  expect(findOutcome(await judgeWire(breaking), "chat.stream.content-type")).toBe("fail");
});

test("an operation that the target does not have is not-testable, never failed", async () => {
  const wire = defineReferenceWire();
  const reply: ReferenceWire["reply"] = (given, call) =>
    call.operation === "createSpeech" ? { ...given, status: 404 } : given;
  const asked = checks.filter(({ id }) => id.startsWith("auth.speech.") || id.startsWith("auth.embeddings."));
  const results = await judgeWire({ ...wire, reply }, { checks: asked });
  const outcomes = (slug: string): unknown[] => [
    ...new Set(results.filter(({ check }) => check.id.startsWith(`auth.${slug}.`)).map(({ outcome }) => outcome)),
  ];
  expect(outcomes("speech")).toEqual(["not-testable"]);
  expect(outcomes("embeddings")).toEqual(["pass"]);
});
