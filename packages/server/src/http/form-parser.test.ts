import { AiError } from "@openai-compat/core";
import type { FormField } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  FIELD_BYTES_MAX,
  NEAR_BOUNDARIES_MAX,
  PADDING_BYTES_MAX,
  PARTS_MAX,
  PART_HEAD_BYTES_MAX,
  createFormParser,
} from "./form-parser.ts";
import { BOUNDARY_BYTES_MAX, FILE_NAME_BYTES_MAX, NAME_BYTES_MAX, readBoundary } from "./part-head.ts";

const refusal = (reason: RegExp) =>
  expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(reason) });

/** Parts without their boundaries; `|` stands for a line break. */
const form = (...parts: readonly string[]) =>
  Buffer.from([...parts.map((part) => `--B|${part}|`), "--B--|"].join("").replaceAll("|", "\r\n"));
const field = (content: string, head = 'content-disposition: form-data; name="a"') => `${head}||${content}`;
const parse = (...parts: readonly string[]) => parseForm(form(...parts), "B");

/** With contents as one buffer, whatever pieces they have. @param sizes of the pieces in turn; the last one repeats. */
function parseInPieces(bytes: Buffer, boundary: string, sizes: readonly number[]): readonly unknown[] {
  const parser = createFormParser(boundary, ["file"]);
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const end = start + (sizes[Math.min(turn, sizes.length - 1)] ?? bytes.length);
    // A copy, so that nothing depends on what stands behind the piece in memory.
    parser.push(Buffer.from(bytes.subarray(start, end)));
    start = end;
  }
  return parser.end().map(showField);
}

function showField(read: FormField): unknown {
  if ("value" in read) return read;
  const { pieces, ...rest } = read;
  expect(pieces.every((piece) => piece.length > 0)).toBe(true);
  return { ...rest, bytes: Buffer.concat(pieces) };
}

type Outcome = { readonly fields: readonly unknown[] } | { readonly thrown: unknown };

function outcomeOf(bytes: Buffer, boundary: string, sizes: readonly number[]): Outcome {
  try {
    return { fields: parseInPieces(bytes, boundary, sizes) };
  } catch (thrown) {
    return { thrown };
  }
}

/** As a whole, byte by byte, and in a few other pieces: all of them say the same. */
function parseForm(bytes: Buffer, boundary: string): readonly unknown[] {
  const whole = outcomeOf(bytes, boundary, [bytes.length]);
  for (const sizes of [[1], [2], [7], [3, 64], [5000]]) {
    expect(outcomeOf(bytes, boundary, sizes), `pieces of ${sizes.join()} bytes`).toEqual(whole);
  }
  if ("thrown" in whole) throw whole.thrown;
  return whole.fields;
}

test("any form that a client of the platform writes is read as it was meant", async () => {
  const name = fc.string({ unit: fc.constantFrom("a", "ü", "😀", ";", "=", "[", "-", " "), maxLength: 20 });
  const text = fc.string({ unit: "grapheme" });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, fc.oneof(text, fc.uint8Array()))), async (entries) => {
      const written = new FormData();
      for (const [key, value] of entries) {
        if (typeof value === "string") written.append(key, value);
        else written.append(key, new Blob([new Uint8Array(value)], { type: "audio/wav" }), "speech.wav");
      }
      const response = new Response(written);
      const boundary = readBoundary(response.headers.get("content-type") ?? "") ?? "";
      const fields = parseForm(Buffer.from(await response.arrayBuffer()), boundary);
      const crlf = (value: string) => value.replaceAll(/\r\n|\r|\n/g, "\r\n");
      expect(fields).toEqual(
        entries.map(([key, value]) =>
          typeof value === "string"
            ? { name: key, value: crlf(value) }
            : { name: key, fileName: "speech.wav", contentType: "audio/wav", bytes: Buffer.from(value) },
        ),
      );
    }),
  );
});

/** Rich in what decides: line breaks, dashes, beginnings of boundaries. */
const trickyText = fc
  .array(fc.constantFrom("\r", "\n", "-", "--", "\r\n", "\r\n-", "\r\n--", "\r\n--B", "\r\n--B ", "B", " ", "\t", "x"))
  .map((parts) => parts.join(""));
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });

test("contents are what was sent, whatever they hold and however the form is cut", () => {
  fc.assert(
    fc.property(fc.array(trickyText, { maxLength: 4 }), trickyText, sizes, (contents, epilogue, cuts) => {
      const boundary = "B-not-in-any-content";
      const parts = contents.map((content) => `--${boundary}\r\n${field("").replaceAll("|", "\r\n")}${content}\r\n`);
      const bytes = Buffer.from(`${parts.join("")}--${boundary}--${epilogue}`);
      const expected = contents.map((value) => ({ name: "a", value }));
      expect(parseInPieces(bytes, boundary, cuts)).toEqual(expected);
      expect(parseInPieces(bytes, boundary, [1])).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test("bytes that were cut or flipped give a form or a refusal, the same however they are cut into pieces", () => {
  const whole = form(
    field("whisper"),
    `content-disposition: form-data; name="file"; filename="a.wav"||${"x".repeat(50)}\r\n--B-x`,
    field("\r\n--Bx"),
  );
  const flips = fc.array(fc.tuple(fc.nat(whole.length), fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 45))), {
    maxLength: 4,
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(fc.constant(whole.length), fc.nat(whole.length)), flips, sizes, (cut, changes, cuts) => {
      const bytes = Buffer.from(whole.subarray(0, cut));
      for (const [index, byte] of changes) if (index < cut) bytes[index] = byte;
      const outcome = outcomeOf(bytes, "B", [bytes.length]);
      expect(outcomeOf(bytes, "B", cuts)).toEqual(outcome);
      expect(outcomeOf(bytes, "B", [1])).toEqual(outcome);
      if (!("thrown" in outcome)) return;
      refused += 1;
      expect(outcome.thrown).toBeInstanceOf(AiError);
      expect(outcome.thrown).toMatchObject({ code: "invalid_request" });
    }),
    { numRuns: 10_000 },
  );
  // The damage is such that both happen.
  expect(refused).toBeGreaterThan(1000);
  expect(refused).toBeLessThan(9000);
});

test("the content of a file is not copied", () => {
  const parser = createFormParser("B", ["file"]);
  const head = '--B\r\ncontent-disposition: form-data; name="file"\r\n\r\n';
  const pushed = [Buffer.from(head), Buffer.alloc(70_000, "a"), Buffer.alloc(70_000, "b"), Buffer.from("\r\n--B--")];
  for (const piece of pushed) parser.push(piece);
  const [file] = parser.end();
  const pieces = file !== undefined && "pieces" in file ? file.pieces : [];
  const shared = pushed.slice(1, 3).map(({ buffer }) => pieces.find((piece) => piece.buffer === buffer)?.length ?? 0);
  // Where a boundary could begin, a line's length may be copied.
  expect(Math.min(...shared)).toBeGreaterThan(69_000);
  expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(140_000);
});

test("every beginning of a form is refused: its last boundary is missing", () => {
  const whole = form(field("one"), field("two"));
  for (let length = 0; length < whole.length - "--\r\n".length; length += 1) {
    expect(() => parseForm(whole.subarray(0, length), "B"), `${length} bytes`).toThrow(
      refusal(/^The form can't be read/),
    );
  }
});

test.each([
  ["a preamble and an epilogue", "before|--B|content-disposition: form-data; name=a||1|--B--|after", "1"],
  ["spaces behind a boundary", "--B \t|content-disposition: form-data; name=a||1|--B--", "1"],
  [
    "a line that begins as the boundary does",
    "--B|content-disposition: form-data; name=a||1|--Bx|2|--B--",
    "1\r\n--Bx\r\n2",
  ],
  ["no content at all", "--B|content-disposition: form-data; name=a||--B--", ""],
  ["a header that goes on in the next line", "--B|content-disposition: form-data;| name=a||1|--B--", "1"],
  [
    "a binary type of a field that has no file name",
    "--B|content-disposition: form-data; name=a|content-type: application/octet-stream||1|--B--",
    "1",
  ],
  [
    "a boundary with much padding",
    `--B${" ".repeat(PADDING_BYTES_MAX)}|content-disposition: form-data; name=a||1|--B--`,
    "1",
  ],
  [
    "a line with more padding than a boundary has",
    `--B|content-disposition: form-data; name=a||1|--B${" ".repeat(PADDING_BYTES_MAX + 1)}|--B--`,
    `1\r\n--B${" ".repeat(PADDING_BYTES_MAX + 1)}`,
  ],
  [
    "another charset",
    "--B|content-disposition: form-data; name=a|content-type: text/plain; charset=utf-16le||1\0|--B--",
    "1",
  ],
])("%s is no obstacle", (_case, body, value) => {
  expect(parseForm(Buffer.from(body.replaceAll("|", "\r\n")), "B")).toEqual([{ name: "a", value }]);
});

test.each([
  ['name="a\\"b\\\\"', { name: 'a"b\\' }],
  ['name=a; filename="C:\\dir\\x.wav"', { name: "a", fileName: "x.wav" }],
  ['name=a; filename="/etc/x.wav"', { name: "a", fileName: "x.wav" }],
  ["name=a; filename=\"x\"; filename*=UTF-8''%e2%82%ac.wav", { name: "a", fileName: "€.wav" }],
  ["name=a; filename=\"x\"; filename*=UTF-8''%e2%82", { name: "a", fileName: "x" }],
  ["name=a; filename*=UTF-8''%e2%82", { name: "a", fileName: "" }],
  ["name=a; filename*=utf-8'en'na%C3%AFve%20plan.wav", { name: "a", fileName: "naïve plan.wav" }],
  ["name=a; filename*=iso-8859-1'en'%A3%20rates.wav", { name: "a", fileName: "£ rates.wav" }],
  ["name=a; filename*=iso-8859-1'en'%A", { name: "a", fileName: "" }],
  ["name=a; filename*=koi8-r''%A3", { name: "a", fileName: "" }],
  ["name=a; filename=\"x\"; filename*=UTF-8''..%2F..%2Fy.wav", { name: "a", fileName: "y.wav" }],
  ['name=a; filename="音声.wav"', { name: "a", fileName: "音声.wav" }],
  ['name=a; filename=""', { name: "a", fileName: "" }],
  ["NAME=a; name=b", { name: "a" }],
])("the disposition %s is understood", (parameters, expected) => {
  expect(parse(field("1", `Content-Disposition: Form-Data; ${parameters}`))).toMatchObject([expected]);
});

test.each([
  ["", "application/octet-stream"],
  ["|content-type: application/octet-stream", "application/octet-stream"],
  ["|content-type: audio/wav", "audio/wav"],
  ["|content-type: text/plain", "text/plain"],
])("a field that has to be a file is one without a name too, its head ending in %j", (rest, contentType) => {
  const head = `content-disposition: form-data; name="file"${rest}`;
  expect(parse(field("1", head))).toEqual([{ name: "file", fileName: "", contentType, bytes: Buffer.from("1") }]);
  expect(parse(field("", head))).toEqual([{ name: "file", fileName: "", contentType, bytes: Buffer.alloc(0) }]);
});

test.each([
  ["no disposition", field("1", "content-type: text/plain"), /content-disposition/],
  ["no headers", "|1", /content-disposition/],
  ["no name", field("1", "content-disposition: form-data"), /content-disposition/],
  ["an open quote", field("1", 'content-disposition: form-data; name="a'), /content-disposition/],
  ["another disposition", field("1", "content-disposition: attachment; name=a"), /content-disposition/],
  ["a header without a name", field("1", ": x"), /malformed header/],
  ["a bare line feed", field("1", "content-disposition: form-data; name=a\nevil: 1"), /malformed header/],
  [
    "an encoded part",
    field("MQ==", "content-disposition: form-data; name=a|content-transfer-encoding: base64"),
    /content-transfer-encoding/,
  ],
  [
    "an unknown charset",
    field("1", "content-disposition: form-data; name=a|content-type: text/plain; charset=none"),
    /charset/,
  ],
  [
    "a name beyond the limit",
    field("1", `content-disposition: form-data; name=${"n".repeat(NAME_BYTES_MAX + 1)}`),
    /name of a field has more than 200 bytes/,
  ],
  [
    "a file name beyond the limit",
    field("1", `content-disposition: form-data; name=a; filename=${"n".repeat(FILE_NAME_BYTES_MAX + 1)}`),
    /name of a file has more than 1024 bytes/,
  ],
  ["headers beyond the limit", field("1", `x: ${"x".repeat(PART_HEAD_BYTES_MAX)}`), /headers/],
  ["a field beyond the limit", field("x".repeat(FIELD_BYTES_MAX + 1)), /more than 1048576 bytes/],
])("a part with %s is refused by name", (_case, part, reason) => {
  expect(() => parse(part)).toThrow(refusal(reason));
});

test("text that is not what its charset says is refused", () => {
  const bytes = form(field("?"));
  bytes[bytes.indexOf("?")] = 0xff;
  expect(() => parseForm(bytes, "B")).toThrow(refusal(/"a" is not text in UTF-8/));
});

test("so many parts are read, and not one more", () => {
  const parts = Array.from({ length: PARTS_MAX }, () => field("1"));
  expect(parse(...parts)).toHaveLength(PARTS_MAX);
  expect(() => parse(...parts, field("1"))).toThrow(refusal(/more than 100 parts/));
});

test("so many lines of a part may begin like the boundary, and not one more", () => {
  const near = (count: number) => field("\r\n--Bx".repeat(count));
  expect(parse(near(NEAR_BOUNDARIES_MAX))).toHaveLength(1);
  expect(() => parse(near(NEAR_BOUNDARIES_MAX + 1))).toThrow(refusal(/boundary stands in the content/));
});

test("headers and names may be as long as their limits", () => {
  const disposition = `content-disposition: form-data; name=${"n".repeat(NAME_BYTES_MAX)}`;
  const named = `${disposition}; filename=${"f".repeat(FILE_NAME_BYTES_MAX)}`;
  const rest = PART_HEAD_BYTES_MAX - "\r\nx: \r\n\r\n".length - named.length;
  expect(parse(field("1", `${named}|x: ${"x".repeat(rest)}`))).toHaveLength(1);
  expect(() => parse(field("1", `${named}|x: ${"x".repeat(rest + 1)}`))).toThrow(refusal(/more than 16384 bytes/));
});

test("a form whose lines end with a line feed alone is refused, as by other servers, and the refusal says why", () => {
  const bytes = Buffer.from(form(field("1")).toString().replaceAll("\r\n", "\n"));
  expect(() => parseForm(bytes, "B")).toThrow(refusal(/do not end with CR and LF/));
});

test("a body without the boundary that was announced is refused", () => {
  expect(() => parseForm(form(field("1")), "C")).toThrow(refusal(/boundary/));
});

test.each([
  ["multipart/form-data; boundary=abc", "abc"],
  ['Multipart/Form-Data; charset=utf-8; BOUNDARY="a b"', "a b"],
  ["multipart/form-data;boundary=abc;", "abc"],
  [`multipart/form-data; boundary=${"b".repeat(BOUNDARY_BYTES_MAX)}`, "b".repeat(BOUNDARY_BYTES_MAX)],
  [`multipart/form-data; boundary=${"b".repeat(BOUNDARY_BYTES_MAX + 1)}`, null],
  ["multipart/form-data; boundary=", null],
  ['multipart/form-data; boundary="a', null],
  ["multipart/form-data", null],
  ["multipart/mixed; boundary=abc", null],
  ["application/json", null],
  ["", null],
])("of the content type %j the boundary is %j", (contentType, boundary) => {
  expect(readBoundary(contentType)).toBe(boundary);
});
