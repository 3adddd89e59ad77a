/** Calls that a model writes without tags: which are parsed as calls, and which stay text. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAnswerReader } from "./answer-reader.ts";
import type { AnswerReaderOptions } from "./answer-reader.ts";
import { CALL_BLOCK_CHARACTERS_MAX } from "./call-block.ts";

const UNTAGGED = { names: ["rain", "rainfall", "add"], parallel: true, accepts: () => true };
const PLAIN: AnswerReaderOptions = { stop: [], calls: "possible", reasoning: "possible", untagged: UNTAGGED };

interface Read {
  readonly text: string;
  readonly calls: readonly { name: string; arguments: string }[];
}

function read(pieces: readonly string[], options: Partial<AnswerReaderOptions> = {}): Read {
  const reader = createAnswerReader({ ...PLAIN, ...options });
  const calls: { name: string; arguments: string }[] = [];
  let text = "";
  const take = (events: ReturnType<typeof reader.end>): void => {
    for (const event of events) {
      if (event.type === "text-delta") text += event.text;
      else if (event.type === "tool-call-start") calls.push({ name: event.name, arguments: "" });
      else if (event.type === "tool-call-delta") {
        const last = calls.at(-1);
        if (last === undefined) throw new Error("Arguments came before a call.");
        last.arguments += event.text;
      }
    }
  };
  for (const piece of pieces) {
    take(reader.push(piece, null));
    if (reader.stopped || reader.finished) break;
  }
  take(reader.end());
  expect(reader.calls).toBe(calls.length);
  return { text, calls };
}

const ROME = { name: "rain", arguments: '{"city": "Rome"}' };
const OSLO = { name: "rain", arguments: '{"city": "Oslo"}' };
const SUM = { name: "add", arguments: '{\n    "a": 17,\n    "b": [2.50, {"}": "\\""}]\n  }' };
const write = (call: typeof ROME, key = "arguments") => `{"name": "${call.name}", "${key}": ${call.arguments}}`;
const fence = (text: string, language = "json") => `\`\`\`${language}\n${text}\n\`\`\``;

const CALLS: readonly [string, Read][] = [
  [write(ROME), { text: "", calls: [ROME] }],
  [`  \n${write(ROME)}\n`, { text: "", calls: [ROME] }],
  [write(SUM), { text: "", calls: [SUM] }],
  [fence(write(ROME)), { text: "", calls: [ROME] }],
  [fence(write(ROME), ""), { text: "", calls: [ROME] }],
  [fence(write(ROME), "tool_call"), { text: "", calls: [ROME] }],
  [`\`\`\`json\n${write(ROME)}`, { text: "", calls: [ROME] }],
  [write(ROME, "parameters"), { text: "", calls: [ROME] }],
  [`{"arguments": ${ROME.arguments}, "name": "rain"}`, { text: "", calls: [ROME] }],
  [`{"type": "function", "id": 7, "name": "rain", "arguments": ${ROME.arguments}}`, { text: "", calls: [ROME] }],
  [`{"name": "rain", "arguments": ${JSON.stringify(ROME.arguments)}}`, { text: "", calls: [ROME] }],
  [`{"name":"rainfall","arguments":{}}`, { text: "", calls: [{ name: "rainfall", arguments: "{}" }] }],
  [`${write(ROME)}\n${write(SUM)}`, { text: "", calls: [ROME, SUM] }],
  [`${write(ROME)}, ${write(SUM)};\n${write(OSLO)}`, { text: "", calls: [ROME, SUM, OSLO] }],
  [`[${write(ROME)}, ${write(OSLO)}]`, { text: "", calls: [ROME, OSLO] }],
  [fence(`[\n${write(ROME)},\n${write(OSLO)}\n]`), { text: "", calls: [ROME, OSLO] }],
  [fence(`${write(ROME)}\n${write(OSLO)}`), { text: "", calls: [ROME, OSLO] }],
  [`${fence(write(ROME))}\n\n${fence(write(OSLO))}`, { text: "", calls: [ROME, OSLO] }],
  [`${fence(write(ROME))}\n\nThis will tell the weather.`, { text: "", calls: [ROME] }],
  [`${write(ROME)}\nThe weather is {"name": "rain"}`, { text: "", calls: [ROME] }],
  [`I look it up.\n\n${fence(write(ROME))}\n`, { text: "I look it up.", calls: [ROME] }],
  [`I look it up:\n${write(ROME)}`, { text: "I look it up:", calls: [ROME] }],
  [`Two:\n${fence(write(ROME))}\n${fence(write(OSLO))}`, { text: "Two:", calls: [ROME, OSLO] }],
  [`A list:\n- [x] one\n{ \`no\`\n${fence(write(ROME))}`, { text: "A list:\n- [x] one\n{ `no`", calls: [ROME] }],
  [`${write(ROME)}\n${write(ROME)}\n${write(OSLO)}`, { text: "", calls: [ROME] }],
];

const TEXTS: readonly string[] = [
  "Hello",
  "",
  "{",
  "``",
  '{"name": "Bob", "age": 7}',
  '{"name": "rain", "description": "Tells whether it rains."}',
  '{"name": "rain"}',
  '{"name": "snow", "arguments": {}}',
  '{"name": "rai", "arguments": {}}',
  '{"name": "rain", "arguments": "Rome"}',
  '{"name": "rain", "arguments": [1]}',
  '{"name": "rain", "arguments": null}',
  '{"name": "rain", "arguments": {"city": Rome}}',
  '{"name": "rain", "arguments": {"city": "Rome"',
  '{"name": {"name": "rain"}, "arguments": {}}',
  "[]",
  "[1, 2]",
  `[${write(ROME)}, 3]`,
  `[${write(ROME)}`,
  `Call it so: ${write(ROME)}`,
  `Write this:\n${fence(write(ROME))}\nand you get the weather.`,
  `Write this:\n${write(ROME)}\nand you get the weather.`,
  fence('print("hello")', "python"),
  `\`{"name"\` is a key.`,
  `${fence("")}\n`,
  `Numbers:\n\n1. {"name": "rain", "arguments": {}}`,
  `{"name": "rain", "arguments": ${"[".repeat(100)}`,
];

const cuts = (text: string) =>
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: text.length, maxLength: text.length }).map((sizes) => {
    const pieces: string[] = [];
    for (let at = 0, index = 0; at < text.length; index += 1) {
      const size = sizes[index] ?? 1;
      pieces.push(text.slice(at, at + size));
      at += size;
    }
    return pieces;
  });

function expectSameHoweverCut(text: string, options: Partial<AnswerReaderOptions> = {}): Read {
  const whole = read([text], options);
  expect(read(text.split(""), options)).toEqual(whole);
  fc.assert(
    fc.property(cuts(text), (pieces) => {
      expect(read(pieces, options)).toEqual(whole);
    }),
    { numRuns: 30 },
  );
  return whole;
}

test.each(CALLS)("%j is calls, however it is cut", (text, expected) => {
  expect(expectSameHoweverCut(text)).toEqual(expected);
});

test.each(TEXTS)("%j stays text, however it is cut", (text) => {
  expect(expectSameHoweverCut(text)).toEqual({ text, calls: [] });
});

test("any mixture is parsed the same however it is split, and text without a call stays complete", () => {
  const part = fc.oneof(
    fc.constantFrom(...CALLS.map(([text]) => text), ...TEXTS),
    fc.constantFrom("\n", " ", "```", "{", "[", "}", '"name"', "<tool_call>\n", "Well.", ",", "\\"),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 5 }).chain((parts) => fc.tuple(fc.constant(parts.join("")), cuts(parts.join("")))),
      ([text, pieces]) => {
        const whole = read([text]);
        expect(read(pieces)).toEqual(whole);
        if (whole.calls.length === 0 && !text.includes("<tool_call>")) expect(whole.text).toBe(text);
      },
    ),
    { numRuns: 300 },
  );
});

test("nothing is read without tools, where calls are off, or in an answer with tags", () => {
  const text = write(ROME);
  expect(read([text], { untagged: null })).toEqual({ text, calls: [] });
  expect(read([text], { untagged: null, calls: "none" })).toEqual({ text, calls: [] });
  const tagged = `<tool_call>\n${write(ROME)}\n</tool_call>\n`;
  expect(read([tagged + write(OSLO)])).toEqual({ text: "", calls: [ROME] });
});

test("where calls may not be parallel, one is enough", () => {
  const untagged = { ...UNTAGGED, parallel: false };
  expect(read([`[${write(ROME)}, ${write(OSLO)}]`], { untagged })).toEqual({ text: "", calls: [ROME] });
});

test("an answer after reasoning starts anew", () => {
  expect(read([`<think>\nHm.\n</think>\n\n${write(ROME)}`])).toEqual({ text: "", calls: [ROME] });
});

test("what can't become a call any more is emitted at once", () => {
  const reader = createAnswerReader(PLAIN);
  const emitted = (text: string) =>
    reader
      .push(text, null)
      .flatMap((event) => (event.type === "text-delta" ? [event.text] : []))
      .join("");
  expect(emitted('{"na')).toBe("");
  expect(emitted('me": "rai')).toBe("");
  expect(emitted('se", ')).toBe('{"name": "raise",');
  expect(emitted('"arguments": {}}')).toBe(' "arguments": {}}');
});

test("what might be a call is held back no longer than the limit", () => {
  const reader = createAnswerReader(PLAIN);
  const start = '{"name": "rain", "arguments": {"city": "';
  const text = start + "a".repeat(CALL_BLOCK_CHARACTERS_MAX - start.length);
  expect(reader.push(text, null)).toEqual([]);
  const events = reader.push("b", null);
  expect(events.map((event) => ("text" in event ? event.text : "")).join("")).toBe(`${text}b`);
  expect(read([text, "b", '"}}']).calls).toEqual([]);
});

test("a text that is full of beginnings is read to its end", () => {
  const text = '\n{"arguments": [\n'.repeat(3000);
  expect(read(text.match(/.{1,50}/gs) ?? []).text).toBe(text);
});

test("a stop string ends a text that looked like a call, and no call", () => {
  expect(read(['{"name": "rainbow STOP"}'], { stop: ["STOP"] }).text).toBe('{"name": "rainbow ');
  expect(read([write(ROME)], { stop: ["Rome"] })).toEqual({ text: "", calls: [ROME] });
});
