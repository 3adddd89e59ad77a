import { expect, test } from "vitest";
import { chooseEvidence, compareEvidence, encodeEvidence } from "./evidence.ts";
import { parseCurlOutput } from "./parse-curl.ts";
import type { Exchange } from "./exchange.ts";

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly head?: string;
}

/** As curl prints it. */
function answer(body: unknown, { status = 200, type = "application/json", head = "" }: Answer = {}): Exchange {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const output = `HTTP/1.1 ${status} Any\r\ncontent-type: ${type}\r\n${head}\r\n${text}`;
  return parseCurlOutput(new TextEncoder().encode(output), false);
}

const completion = (choice: object, extra: object = {}): object => ({
  id: `chatcmpl-${Math.random()}`,
  choices: [{ index: 0, message: { role: "assistant", content: "The sea." }, finish_reason: "stop", ...choice }],
  usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 },
  ...extra,
});

const stream = (chunks: readonly object[], isDone = true): string =>
  [...chunks.map((chunk) => JSON.stringify(chunk)), ...(isDone ? ["[DONE]"] : [])]
    .map((data) => `data: ${data}\n\n`)
    .join("");
const events = { type: "text/event-stream" };
const delta = (content: string, extra: object = {}): object => ({
  choices: [{ index: 0, delta: { content }, ...extra }],
});

interface Row {
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
  readonly seen: Exchange;
  readonly again: Exchange;
  /** Null where the failure is shown again. */
  readonly differs: string | null;
}

const error = (message: string): object => ({ error: { message, type: "invalid_request_error" } });

const rows: readonly Row[] = [
  {
    what: "a status, whatever the message says",
    expected: "a refusal with a 4xx",
    actual: 'status 500, body {"error":…',
    seen: answer(error("a"), { status: 500 }),
    again: answer(error("b"), { status: 500 }),
    differs: null,
  },
  {
    what: "another status",
    expected: "a refusal with a 4xx",
    actual: 'status 500, body {"error":…',
    seen: answer(error("a"), { status: 500 }),
    again: answer(error("a"), { status: 400 }),
    differs: "status 400, not 500",
  },
  {
    what: "the status of a request that now has another error",
    expected: "a refusal with a 4xx",
    actual: "status 500, body Internal Server Error",
    seen: answer("Internal Server Error", { status: 500, type: "text/plain" }),
    again: answer(error("a"), { status: 500 }),
    differs: "application/json, not text/plain",
  },
  {
    what: "a value, whatever the text is",
    expected: "finish_reason length after 3 tokens",
    actual: '{"finish_reason":"stop","content":"The sea.","usage":{"prompt_tokens":10,"completion_tokens":4}}',
    seen: answer(completion({})),
    again: answer(completion({ message: { role: "assistant", content: "A wide sea." } })),
    differs: null,
  },
  {
    what: "a value that is right now",
    expected: "finish_reason length after 3 tokens",
    actual: '{"finish_reason":"stop","content":"The sea."}',
    seen: answer(completion({})),
    again: answer(completion({ finish_reason: "length" })),
    differs: 'choices[].finish_reason ["length"], not ["stop"]',
  },
  {
    what: "a field that is missing again",
    expected: "logprobs.content",
    actual: "nothing",
    seen: answer(completion({})),
    again: answer(completion({ message: { role: "assistant", content: "Other." } })),
    differs: null,
  },
  {
    what: "a field that is there now",
    expected: "logprobs.content",
    actual: "nothing",
    seen: answer(completion({})),
    again: answer(completion({ logprobs: { content: [] } })),
    differs: 'with "choices[].logprobs.content: list"',
  },
  {
    what: "a key that the fragment lacks",
    expected: "id, object, created, owned_by",
    actual: '{"id":"m","object":"model","owned_by":"us"}',
    seen: answer({ data: [{ id: "m", object: "model", owned_by: "us" }] }),
    again: answer({ data: [{ id: "m", object: "model", created: 1, owned_by: "us" }] }),
    differs: 'with "data[].created: number"',
  },
  {
    what: "a list of indices",
    expected: "indices 0 and 1",
    actual: "[0]",
    seen: answer(completion({})),
    again: answer({ choices: [{ index: 0 }, { index: 1 }] }),
    differs: "choices[].index [0,1], not [0]",
  },
  {
    what: "a number of tokens in words",
    expected: "more prompt tokens than without the part",
    actual: "10 prompt tokens for the text, 10 with the part",
    seen: answer(completion({})),
    again: answer(completion({}, { usage: { prompt_tokens: 12 } })),
    differs: "usage.prompt_tokens [12], not [10]",
  },
  {
    what: "a missing [DONE]",
    expected: "[DONE]",
    actual: "nothing",
    seen: answer(stream([delta("a")], false), events),
    again: answer(stream([delta("a")]), events),
    differs: 'without "does not end with [DONE]"',
  },
  {
    what: "a text that comes in other pieces",
    expected: '"AB"',
    actual: '"ab"',
    seen: answer(stream([delta("a"), delta("b")]), events),
    again: answer(stream([delta("ab")]), events),
    differs: null,
  },
  {
    what: "a header",
    expected: "header retry-after matching /^[0-9]+$/",
    actual: "no such header",
    seen: answer(error("a"), { status: 429 }),
    again: answer(error("a"), { status: 429, head: "retry-after: 1\r\n" }),
    differs: 'header retry-after "1", not null',
  },
  {
    what: "what the SDK could not read",
    expected: "the official SDK to return a value",
    actual: "it threw OpenAIError: missing role for choice 0",
    seen: answer(stream([delta("a")]), events),
    again: answer(stream([{ choices: [{ index: 0, delta: { role: "assistant", content: "a" } }] }]), events),
    differs: 'with "choices[].delta.role: string"',
  },
  {
    what: "a structured output that breaks its schema",
    expected: "a value that fits the schema sent",
    actual: '{"grams":1522}: grams: must be a multiple of 731',
    seen: answer(completion({ message: { role: "assistant", content: '{ "grams": 1522 }' } })),
    again: answer(completion({ message: { role: "assistant", content: '{ "grams": 731 }' } })),
    differs: 'choices[].message.content ["{ \\"grams\\": 731 }"], not ["{ \\"grams\\": 1522 }"]',
  },
  {
    what: "a code that is a number",
    expected: "invalid_api_key",
    actual: "401",
    seen: answer({ error: { message: "no", code: 401 } }, { status: 401 }),
    again: answer({ error: { message: "no", code: "invalid_api_key" } }, { status: 401 }),
    differs: 'error.code ["invalid_api_key"], not [401]',
  },
  {
    what: "no answer at all",
    expected: "an answer",
    actual: "ECONNRESET: closed in 3 of 3 tries",
    seen: parseCurlOutput(new Uint8Array(), false),
    again: answer(completion({})),
    differs: "status 200, not none",
  },
];

test.each(rows)("the evidence of a failure compares $what", ({ expected, actual, seen, again, differs }) => {
  const evidence = encodeEvidence({ expected, actual }, seen);
  expect(evidence.shows_failure).toBe(true);
  expect(compareEvidence(evidence, seen)).toBeNull();
  expect(compareEvidence(evidence, again)).toBe(differs);
});

test.each([
  { expected: "an answer within 2000 ms", actual: "3500 ms" },
  { expected: "one id", actual: '["a","b"]' },
  { expected: "more tokens", actual: "35, then 35" },
])("one answer does not show that $actual is not $expected", (objection) => {
  expect(encodeEvidence(objection, answer(completion({}))).shows_failure).toBe(false);
});

test("of several requests the one whose answer has the failing value is printed", () => {
  const wrong = answer(completion({ finish_reason: "tool_calls" }));
  const exchanges = [wrong, answer(completion({}))];
  expect(
    chooseEvidence({ expected: "finish_reason length", actual: '{"finish_reason":"tool_calls"}' }, exchanges),
  ).toBe(wrong);
  expect(chooseEvidence({ expected: "one id", actual: '["a","b"]' }, exchanges)).toBe(exchanges[1]);
});

test("evidence stays small, however long the answer is", () => {
  const long = answer({
    text: "x".repeat(100_000),
    ...Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, n])),
  });
  const evidence = encodeEvidence({ expected: "nothing", actual: JSON.stringify("x".repeat(100_000)) }, long);
  expect(JSON.stringify(evidence).length).toBeLessThan(2000);
  expect(JSON.stringify(encodeEvidence({ expected: "a field", actual: "nothing" }, long)).length).toBeLessThan(4000);
});

test("an answer after 100 Continue is read as curl prints it, with its cut body", () => {
  const output = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b:c\r\n\r\nhalf";
  expect(parseCurlOutput(new TextEncoder().encode(output), true).response).toMatchObject({
    status: 200,
    headers: { a: "b:c" },
    end: "cut",
  });
});
