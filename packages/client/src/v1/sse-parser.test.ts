import fc from "fast-check";
import { expect, test } from "vitest";
import { SseParser } from "./sse-parser.ts";
import type { ServerSentEvent } from "./sse-parser.ts";

function parseAll(pieces: readonly string[]): ServerSentEvent[] {
  const parser = new SseParser();
  const events = pieces.flatMap((piece) => parser.push(piece));
  const last = parser.end();
  return last === null ? events : [...events, last];
}

const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
const text = fc.stringMatching(/^[^\r\n]*$/);
const sentEvent = fc.record({
  event: fc.option(fc.constantFrom("error", "message")),
  id: fc.option(fc.stringMatching(/^[^\r\n\0]+$/)),
  lines: fc.array(text, { minLength: 1, maxLength: 3 }),
  comments: fc.array(text, { maxLength: 2 }),
});
type SentEvent = typeof sentEvent extends fc.Arbitrary<infer Sent> ? Sent : never;

function encode({ event, id, lines, comments }: SentEvent): string[] {
  return [
    ...comments.map((comment) => `:${comment}`),
    "retry: 10",
    ...(event === null ? [] : [`event:${event}`]),
    ...(id === null ? [] : [`id: ${id}`]),
    ...lines.map((line) => `data: ${line}`),
    "",
  ];
}

/** A blank line that a line feed ends would make one line end of the carriage return before it. */
function joinLines(lines: readonly string[], ends: readonly string[]): string {
  return lines
    .map((line, index) => {
      const isAmbiguous = line === "" && ends[index - 1] === "\r" && ends[index] === "\n";
      return line + (isAmbiguous ? "\r\n" : ends[index]);
    })
    .join("");
}

test("the events are the same however lines end and wherever the stream is cut", () => {
  const stream = fc.array(sentEvent, { maxLength: 5 }).chain((sent) => {
    const lines = sent.flatMap(encode);
    const ends = fc.array(lineEnd, { minLength: lines.length, maxLength: lines.length });
    return ends.map((each) => ({ sent, text: joinLines(lines, each) }));
  });
  fc.assert(
    fc.property(stream, fc.array(fc.nat()), ({ sent, text: whole }, cuts) => {
      const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].toSorted((a, b) => a - b);
      const pieces = [0, ...places].map((from, index) => whole.slice(from, places[index]));
      expect(pieces.join("")).toBe(whole);
      expect(parseAll(pieces)).toEqual(sent.map(({ event, id, lines }) => ({ event, id, data: lines.join("\n") })));
    }),
  );
});

test("each piece gives the events that it completes, and no earlier", () => {
  const parser = new SseParser();
  expect(parser.push("data: a\n")).toEqual([]);
  expect(parser.push("\ndata: b\r\n\r")).toEqual([
    { event: null, id: null, data: "a" },
    { event: null, id: null, data: "b" },
  ]);
  // The line feed belongs to the carriage return before it.
  expect(parser.push("\ndata: c\n\n")).toEqual([{ event: null, id: null, data: "c" }]);
  expect(parser.end()).toBeNull();
});

test("fields without a colon, of other names and without data are no events", () => {
  expect(parseAll(["data\n\nid: 1\n\nevent: x\n\ndatabase: 2\n\ndata:y\n\n"])).toEqual([
    { event: null, id: null, data: "" },
    { event: null, id: null, data: "y" },
  ]);
});

test("an event longer than allowed is refused while it comes", () => {
  const parser = new SseParser(10);
  expect(parser.push("data: 1234")).toEqual([]);
  expect(() => parser.push("5")).toThrow(RangeError);
  expect(() => new SseParser(10).push("data: 123\ndata: 456\ndata: 789")).toThrow(RangeError);
});
