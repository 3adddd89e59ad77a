import fc from "fast-check";
import { expect, test } from "vitest";
import { createAnswerReader } from "./answer-reader.ts";
import type { AnswerReaderOptions, ReadEvent } from "./answer-reader.ts";

const PLAIN: AnswerReaderOptions = { stop: [], calls: "possible", reasoning: "possible", untagged: null };

/** The events of a text, deltas of the same type joined. */
function read(pieces: readonly string[], options: Partial<AnswerReaderOptions> = {}): readonly string[] {
  const reader = createAnswerReader({ ...PLAIN, ...options });
  const events: ReadEvent[] = [];
  for (const piece of pieces) {
    events.push(...reader.push(piece, null));
    if (reader.stopped || reader.finished) break;
  }
  events.push(...reader.end());
  const joined: [string, string][] = [];
  for (const event of events) {
    const last = joined.at(-1);
    if ("text" in event && last?.[0] === event.type) last[1] += event.text;
    else joined.push([event.type, "text" in event ? event.text : event.name]);
  }
  return joined.map(([type, text]) => `${type}: ${text}`);
}

const CALL = '<tool_call>\n{"name": "rain", "arguments": {"city": "}<Rome>"}}\n</tool_call>';
const OTHER = '<tool_call>\n{"name": "snow", "arguments": {}}\n</tool_call>';

test.each<[string, Partial<AnswerReaderOptions>, readonly string[]]>([
  ["Hello", {}, ["text-delta: Hello"]],
  ["a < b <tool", {}, ["text-delta: a < b <tool"]],
  ["<tool_ca", { calls: "only" }, []],
  [CALL, { calls: "only" }, ["tool-call-start: rain", 'tool-call-delta: {"city": "}<Rome>"}']],
  [`<think>\nHm.</think>\n\nYes.`, {}, ["reasoning-delta: Hm.", "text-delta: Yes."]],
  ["Hm.</think>Yes.", { reasoning: "open" }, ["reasoning-delta: Hm.", "text-delta: Yes."]],
  ["<think>Hm", {}, ["reasoning-delta: Hm"]],
  ["<think>Hm", { reasoning: "none" }, ["text-delta: <think>Hm"]],
  [CALL, {}, ["tool-call-start: rain", 'tool-call-delta: {"city": "}<Rome>"}']],
  [
    `Wait. ${CALL}\n${OTHER}`,
    {},
    [
      "text-delta: Wait.",
      "tool-call-start: rain",
      'tool-call-delta: {"city": "}<Rome>"}',
      "tool-call-start: snow",
      "tool-call-delta: {}",
    ],
  ],
  [CALL.slice(0, CALL.indexOf('": "}<')), {}, ["tool-call-start: rain", 'tool-call-delta: {"city']],
  [CALL.slice(0, 25), {}, []],
  ["Ready \n", {}, ["text-delta: Ready \n"]],
  [CALL, { calls: "none" }, [`text-delta: ${CALL}`]],
  ["one STOP two", { stop: ["STOP"] }, ["text-delta: one "]],
  [`${CALL} STOP`, { stop: ["Rome"] }, ["tool-call-start: rain", 'tool-call-delta: {"city": "}<Rome>"}']],
])("%j with %j is read as %j, however it is cut", (text, options, expected) => {
  const whole = read([text], options);
  expect(whole).toEqual(expected);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: text.length, maxLength: text.length }),
      (sizes) => {
        const pieces: string[] = [];
        let at = 0;
        for (const size of sizes) {
          if (at >= text.length) break;
          pieces.push(text.slice(at, (at += size)));
        }
        expect(read(pieces, options)).toEqual(whole);
      },
    ),
    { numRuns: 50 },
  );
});

test("the tokens reported with an answer are those of its text, not of the reasoning before it", () => {
  const reader = createAnswerReader(PLAIN);
  const describe = (text: string) => ({ text, bytes: [...Buffer.from(text)], logprob: -1, top: [] });
  const pieces = ["<think>", "Hm.", "</think>", "\n", "\n", "Yes", "."];
  const events = pieces.flatMap((piece) => reader.push(piece, describe(piece)));
  const reported = events.flatMap((event) => (event.type === "text-delta" ? (event.logprobs ?? []) : []));
  expect(reported.map(({ text }) => text)).toEqual(["Yes", "."]);
});

test("an answer that begins with half a character is reported with the token of that half", () => {
  const reader = createAnswerReader({ ...PLAIN, reasoning: "open" });
  const half = (byte: number) => ({ text: "\uFFFD", bytes: [byte], logprob: -1, top: [] });
  const events = [
    ...reader.push("</think>", half(0)),
    ...reader.push("\n", half(10)),
    ...reader.push("", half(0xc3)),
    ...reader.push("é", half(0xa9)),
  ];
  const reported = events.flatMap((event) => (event.type === "text-delta" ? (event.logprobs ?? []) : []));
  expect(reported.flatMap(({ bytes }) => bytes)).toEqual([0xc3, 0xa9]);
});
