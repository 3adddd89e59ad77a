import { AiError } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  BOUNDARY_BYTES_MAX,
  FIELD_BYTES_MAX,
  NAME_BYTES_MAX,
  NEAR_BOUNDARIES_MAX,
  PARTS_MAX,
  PART_HEAD_BYTES_MAX,
  parseForm,
  readBoundary,
} from "./parse-form.ts";

const refusal = (reason: RegExp) =>
  expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(reason) });

/** Parts without their boundaries; `|` stands for a line break. */
const form = (...parts: readonly string[]) =>
  Buffer.from([...parts.map((part) => `--B|${part}|`), "--B--|"].join("").replaceAll("|", "\r\n"));
const field = (content: string, head = 'content-disposition: form-data; name="a"') => `${head}||${content}`;
const parse = (...parts: readonly string[]) => parseForm(form(...parts), "B");

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
      expect(fields.map((read) => read.name)).toEqual(entries.map(([key]) => key));
      for (const [index, [, value]] of entries.entries()) {
        const read = fields[index];
        if (typeof value === "string") expect(read).toMatchObject({ value: crlf(value) });
        else {
          expect(read).toMatchObject({ fileName: "speech.wav", contentType: "audio/wav" });
          expect(read !== undefined && "bytes" in read ? new Uint8Array(read.bytes) : null).toEqual(value);
        }
      }
    }),
  );
});

test("bytes that were cut or flipped give a form or a refusal, and nothing else", () => {
  const whole = form(
    field("whisper"),
    `content-disposition: form-data; name="file"; filename="a.wav"||${"x".repeat(50)}`,
  );
  fc.assert(
    fc.property(
      fc.nat(whole.length),
      fc.array(fc.tuple(fc.nat(whole.length), fc.nat(255)), { maxLength: 4 }),
      (cut, flips) => {
        const bytes = Buffer.from(whole.subarray(0, cut));
        for (const [index, byte] of flips) if (index < cut) bytes[index] = byte;
        try {
          expect(Array.isArray(parseForm(bytes, "B"))).toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AiError);
          expect(thrown).toMatchObject({ code: "invalid_request" });
        }
      },
    ),
    { numRuns: 2000 },
  );
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
  ["NAME=a; name=b", { name: "a" }],
])("the disposition %s is understood", (parameters, expected) => {
  expect(parse(field("1", `Content-Disposition: Form-Data; ${parameters}`))).toMatchObject([expected]);
});

test("a part of binary type is a file, named or not", () => {
  const head = 'content-disposition: form-data; name="file"|content-type: application/octet-stream';
  expect(parse(field("1", head))).toEqual([
    { name: "file", fileName: "", contentType: "application/octet-stream", bytes: Buffer.from("1") },
  ]);
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
    /name/,
  ],
  ["headers beyond the limit", field("1", `x: ${"x".repeat(PART_HEAD_BYTES_MAX)}`), /headers/],
  ["a field beyond the limit", field("x".repeat(FIELD_BYTES_MAX + 1)), /more than 1048576 bytes/],
])("a part with %s is refused by name", (_case, part, reason) => {
  expect(() => parse(part)).toThrow(refusal(reason));
});

test("text that is not what its charset says is refused", () => {
  const bytes = form(field("?"));
  bytes[bytes.indexOf("?")] = 0xff;
  expect(() => parseForm(bytes, "B")).toThrow(refusal(/charset/));
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
