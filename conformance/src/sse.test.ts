import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSse } from "./sse.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const lineText = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n\ufeff]/g, ""));
const lineEnding = fc.constantFrom("\n", "\r\n", "\r");

test("what is written as data frames is read back, whatever the line ending", () => {
  fc.assert(
    fc.property(fc.array(fc.array(lineText, { minLength: 1, maxLength: 3 })), lineEnding, (frames, ending) => {
      const body = frames.map((lines) => lines.map((line) => `data: ${line}${ending}`).join("") + ending).join("");
      const stream = parseSse(encode(body));
      expect(stream.frames.map(({ data }) => data)).toEqual(frames.map((lines) => lines.join("\n")));
      expect(stream.frames.every(({ blankLines }) => blankLines === 1)).toBe(true);
      expect(stream.lineEndings).toEqual(frames.length === 0 ? [] : [ending]);
      expect(stream).toMatchObject({ trailingBytes: 0, validUtf8: true, byteOrderMark: false });
    }),
  );
});

test("any bytes are read without throwing, and every frame starts inside the body", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const stream = parseSse(bytes);
      for (const frame of stream.frames) {
        expect(frame.offset).toBeLessThan(bytes.byteLength);
        expect(frame.fields.length).toBeGreaterThan(0);
      }
      expect(stream.trailingBytes).toBeLessThanOrEqual(bytes.byteLength);
    }),
  );
});

test("a frame that the body ends in has no blank line, and its unended line counts as trailing bytes", () => {
  const stream = parseSse(encode('data: {"a":1}\n\ndata: {"b"'));
  expect(stream.frames.map(({ blankLines, data }) => [blankLines, data])).toEqual([
    [1, '{"a":1}'],
    [0, '{"b"'],
  ]);
  expect(stream.trailingBytes).toBe(10);
});

test("two data lines without a blank line between them are one frame", () => {
  expect(parseSse(encode("data: 1\ndata: 2\n\n")).frames).toHaveLength(1);
});

test("comments, event, id and retry lines are kept beside the data", () => {
  const [frame] = parseSse(encode(": ping\nevent: error\nid: 7\nretry: 100\ndata:x\n\n")).frames;
  expect(frame).toMatchObject({ comments: ["ping"], event: "error", id: "7", retry: "100", data: "x" });
  expect(frame?.fields.at(-1)).toEqual({ name: "data", value: "x", spaced: false });
});

test("a frame of comments alone has no data", () => {
  expect(parseSse(encode(": ping\n\n")).frames).toMatchObject([{ data: null, comments: ["ping"] }]);
});

test("a byte order mark is reported and left out of the first field", () => {
  const stream = parseSse(Uint8Array.of(0xef, 0xbb, 0xbf, ...encode("data: x\n\n")));
  expect(stream.byteOrderMark).toBe(true);
  expect(stream.frames).toMatchObject([{ data: "x" }]);
});

test("bytes that are not UTF-8 are reported", () => {
  expect(parseSse(Uint8Array.of(...encode("data: "), 0xc3, 0x0a, 0x0a)).validUtf8).toBe(false);
});
