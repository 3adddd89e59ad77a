import { answersWithChunks } from "@openai-compat/core";
import type { UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { createAudioEventReader } from "./audio-event-reader.ts";
import { createChunkReader } from "./chunk-reader.ts";
import { createMessageRedactor } from "./message-redactor.ts";
import { chunk, delta, OUR_MODEL, upstreamRequest, UPSTREAM_MODEL } from "./testing/upstream-calls.ts";
import { createEventStreamTranslator } from "./translate-event-stream.ts";
import { parseBaseUrl } from "./upstream-settings.ts";

const redactor = createMessageRedactor({
  addresses: [parseBaseUrl("http://gpu.internal")],
  model: UPSTREAM_MODEL,
  apiKey: null,
});
const errorContext = { redactor, operation: null, modelId: OUR_MODEL, includeUsage: false };
const DONE = "data: [DONE]\n\n";
/** The beginning of a valid stream. */
const ROLE = chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] });
const USAGE = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
const USAGE_CHUNK = chunk({ choices: [], usage: USAGE });

function* translate(pieces: readonly (string | Uint8Array)[], overrides: Partial<UpstreamRequest> = {}) {
  const request = upstreamRequest({ stream: true, ...overrides });
  const { operation } = request;
  const isText = answersWithChunks(operation);
  const reader = isText
    ? createChunkReader({ request, operation, zeroUsageBelieved: false })
    : createAudioEventReader();
  const translator = createEventStreamTranslator({
    reader,
    eventBytesMax: 100_000,
    droppedParameters: [],
    errorContext,
  });
  for (const piece of pieces) {
    yield* translator.push([Buffer.from(piece)]);
    if (translator.isComplete()) return;
  }
  yield* translator.end();
}

function textOf(events: Iterable<UpstreamEvent>): string {
  return [...events]
    .map((event) => (event.type === "upstream-data" ? Buffer.from(event.bytes).toString() : ""))
    .join("");
}

function usageOf(events: Iterable<UpstreamEvent>) {
  const last = [...events].at(-1);
  return last === undefined || last.type === "upstream-start" ? null : last.usage;
}

const renamed = (text: string) => text.replaceAll(UPSTREAM_MODEL, OUR_MODEL);

test("a stream passes with our model's name and nothing else changed", () => {
  const stream = [ROLE, delta("one"), delta(' "two"\n'), delta(" three"), delta("", "stop")];
  expect(textOf(translate([...stream, DONE]))).toBe(renamed(stream.join("") + DONE));
});

test("events that arrive together are emitted together, with the usage up to them", () => {
  const events = [...translate([delta("one") + delta(" two"), delta(" three", "stop") + USAGE_CHUNK + DONE])];
  expect(events.map((event) => (event.type === "upstream-start" ? "start" : event.usage.outputTokens))).toEqual([
    "start",
    2,
    2,
    2,
  ]);
  expect(events.map(({ type }) => type)).toEqual(["upstream-start", "upstream-data", "upstream-data", "upstream-end"]);
  for (const event of events) expect(() => structuredClone(event)).not.toThrow();
});

test("comments, ids, event names and other line ends of the upstream do not reach the caller", () => {
  const body = ROLE.slice("data: ".length).trim();
  const stream = `\uFEFF: ping\r\n\r\nid: 7\r\nevent: message\r\nretry: 3\r\ndata:${body}\r\n\r\ndata:\r\n\r\n${delta("", "stop")}data: [DONE] `;
  expect(textOf(translate([stream]))).toBe(renamed(ROLE + delta("", "stop") + DONE));
});

test("data on several lines becomes one line", () => {
  const [head, tail] = delta("", "stop").split(',"choices"');
  const stream = [ROLE, `${head ?? ""},\ndata: "choices"${tail ?? ""}`, DONE];
  expect(textOf(translate(stream))).toBe(renamed(ROLE + delta("", "stop") + DONE));
});

test("usage that the caller did not request is read and hidden", () => {
  const withUsage = chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: USAGE });
  for (const stream of [
    [delta("a"), delta("", "stop"), USAGE_CHUNK, DONE],
    [delta("a"), withUsage, DONE],
  ]) {
    expect(textOf(translate(stream))).not.toContain("usage");
    expect(usageOf(translate(stream))).toMatchObject({ inputTokens: 7, outputTokens: 2 });
  }
});

test("usage that the caller requested is passed on, and is null before", () => {
  const text = textOf(translate([ROLE, delta("a"), delta("", "stop"), USAGE_CHUNK, DONE], { includeUsage: true }));
  const withNull = (frame: string) => frame.replace(/\}\n\n$/, ',"usage":null}\n\n');
  expect(text).toBe(renamed([ROLE, delta("a"), delta("", "stop")].map(withNull).join("") + USAGE_CHUNK + DONE));
});

test("before the upstream counts, each chunk with output is one token, and the prompt is estimated", () => {
  const role = chunk({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] });
  const tool = chunk({ choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: "{" } }] } }] });
  const reasoning = chunk({ choices: [{ index: 0, delta: { reasoning_content: "hm" } }] });
  const usages = [...translate([role, delta("a"), tool, reasoning, delta("b"), delta("", "stop"), DONE])].flatMap(
    (event) => (event.type === "upstream-data" ? [[event.usage.inputTokens, event.usage.outputTokens]] : []),
  );
  expect(usages).toEqual([
    [0, 0],
    [10, 1],
    [10, 2],
    [10, 3],
    [10, 4],
    [10, 4],
  ]);
});

test("a usage that is reported with a finish reason is not the last word when text follows", () => {
  const early = chunk({ choices: [{ index: 0, delta: { content: "a" }, finish_reason: "stop" }], usage: USAGE });
  const later = Array.from({ length: 20 }, () => delta(" b"));
  const end = [...translate([ROLE, early, ...later, DONE])].findLast((event) => event.type === "upstream-end");
  expect(end).toMatchObject({ usage: { inputTokens: 10, outputTokens: 21 }, source: "estimated" });
});

test("text has a token for each four bytes at least, however it is read", () => {
  const pieces = [
    delta("one two"),
    delta(" three four five"),
    delta(' "six"'),
    delta(" seven eight"),
    delta("", "stop"),
  ];
  expect(usageOf(translate([...pieces, DONE]))).toMatchObject({ outputTokens: 11 });
});

test("running usage counts where it is more than what was seen, and zeros never", () => {
  const running = (completionTokens: number) =>
    chunk({
      choices: [{ index: 0, delta: { content: "a" } }],
      usage: { prompt_tokens: 50, completion_tokens: completionTokens },
    });
  expect(usageOf([...translate([running(8), delta("", "stop"), DONE])].slice(0, 2))).toMatchObject({
    inputTokens: 50,
    outputTokens: 8,
  });
  expect(usageOf([...translate([running(0), delta("b"), delta("", "stop"), DONE])])).toMatchObject({ outputTokens: 2 });
  const zeros = chunk({ choices: [], usage: { prompt_tokens: 0, completion_tokens: 0 } });
  expect(usageOf(translate([delta("a"), delta("", "stop"), zeros, DONE]))).toMatchObject({
    inputTokens: 10,
    outputTokens: 1,
  });
});

test("completions are read by their text", () => {
  const piece = (text: string, finishReason: string | null = null) =>
    chunk({ object: "text_completion", choices: [{ index: 0, text, logprobs: null, finish_reason: finishReason }] });
  const stream = [piece("a"), piece("b"), piece("c"), piece("", "stop"), DONE];
  expect(textOf(translate(stream, { operation: "createCompletion" }))).toBe(renamed(stream.join("")));
  expect(usageOf(translate(stream, { operation: "createCompletion" }))).toMatchObject({ outputTokens: 3 });
});

test("a stream that ends without [DONE] after its finish reason gets one", () => {
  expect(textOf(translate([ROLE, delta("", "stop")]))).toBe(renamed(ROLE + delta("", "stop") + DONE));
  expect(textOf(translate([delta("a"), delta("", "stop").trimEnd()]))).toContain(DONE);
});

test("a stream that ends before every choice has its finish reason has failed", () => {
  const second = chunk({ choices: [{ index: 1, delta: { content: "b" }, finish_reason: null }] });
  const body = { kind: "json", value: { n: 2 } } as const;
  for (const stream of [[delta("a")], [delta("a"), second, delta("", "stop")], []]) {
    expect(() => [...translate(stream, { body })]).toThrow(/ended before/);
  }
});

test("an error before the first event is thrown before the answer starts", () => {
  const stream = 'data: {"error":{"message":"too long","type":"BadRequestError","code":400}}\n\n';
  const seen: UpstreamEvent[] = [];
  expect(() => {
    for (const event of translate([stream])) seen.push(event);
  }).toThrow("too long");
  expect(seen).toEqual([]);
});

test("an error in the middle is thrown after what came before it was passed on", () => {
  for (const error of [
    'data: {"error":"boom"}\n\n',
    'data: {"object":"error","message":"boom"}\n\n',
    'event: error\ndata: {"message":"boom"}\n\n',
  ]) {
    const seen: UpstreamEvent[] = [];
    expect(() => {
      for (const event of translate([ROLE + error + DONE])) seen.push(event);
    }).toThrow("The model failed to answer.");
    expect(textOf(seen)).toBe(renamed(ROLE));
  }
});

test("an event that is no JSON object has failed", () => {
  for (const data of ["hello", "[1]", "1", '{"a":'])
    expect(() => [...translate([`data: ${data}\n\n`, DONE])]).toThrow(/no JSON/);
});

test("what comes after [DONE] is dropped", () => {
  const whole = ROLE + delta("", "stop") + DONE;
  expect(textOf(translate([whole + delta("b"), delta("c")]))).toBe(renamed(whole));
});

test("streamed transcriptions end with their own event, which has the usage", () => {
  const piece = 'data: {"type":"transcript.text.delta","delta":"a"}\n\n';
  const usage = { type: "tokens", input_tokens: 14, output_tokens: 3 };
  const done = `data: ${JSON.stringify({ type: "transcript.text.done", text: "a", usage })}\n\n`;
  const overrides = { operation: "createTranscription" } as const;
  expect(textOf(translate([`event: transcript.text.delta\n${piece}`, done], overrides))).toBe(piece + done);
  expect(usageOf(translate([piece, done], overrides))).toMatchObject({ inputTokens: 14, outputTokens: 3 });
  expect(() => [...translate([piece], overrides)]).toThrow(/ended before/);
});

test("for any text and any split, each chunk is unchanged except for its model", () => {
  const words = fc.array(
    fc.oneof(fc.string({ unit: anyCharacter }), fc.constantFrom('"', "\\", "\n", '","model":"', "model")),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(words, fc.nat({ max: 60 }), (contents, step) => {
      const chunks = contents.map((content) => ({
        id: "c",
        object: "chat.completion.chunk",
        created: 1,
        model: UPSTREAM_MODEL,
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      }));
      const frames = chunks.map((value) => `data: ${JSON.stringify(value)}\n\n`);
      const bytes = Buffer.from([ROLE, ...frames, delta("", "stop"), DONE].join(""));
      const size = step + 1;
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      const sent = textOf(translate(pieces)).split("\n\n").slice(1, -3);
      const expected = chunks.map((value) => ({ ...value, model: OUR_MODEL }));
      expect(sent.map((frame): unknown => JSON.parse(frame.slice("data: ".length)))).toEqual(
        JSON.parse(JSON.stringify(expected)),
      );
    }),
  );
});
