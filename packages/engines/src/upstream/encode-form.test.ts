import type { FormField } from "@openai-compat/core";
import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { encodeForm } from "./encode-form.ts";

async function decode(fields: readonly FormField[]): Promise<FormData> {
  const { contentType, pieces, bytes } = encodeForm(fields);
  const body = Buffer.concat(pieces);
  expect(bytes).toBe(body.length);
  return new Response(body, { headers: { "content-type": contentType } }).formData();
}

const name = fc.string({ unit: fc.constantFrom("a", "ü", "😀", '"', "\r", "\n", "\r\n", ";", "=", "\\", "[", "-") });
const textField = fc.record({ name, value: fc.string({ unit: anyCharacter }).map((text) => text.toWellFormed()) });
const fileField = fc.record({
  name,
  fileName: name,
  contentType: fc.constantFrom("audio/wav", "text/plain; charset=utf-8", 'x/y"\r\nevil: 1', ""),
  pieces: fc.array(fc.uint8Array({ minLength: 1 }), { maxLength: 3 }),
});

test("any form is parsed back unchanged, names escaped as browsers do", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(textField, fileField), { maxLength: 5 }), async (fields) => {
      const read = [...(await decode(fields))];
      expect(read.map(([key]) => key)).toEqual(fields.map((field) => field.name));
      for (const [index, field] of fields.entries()) {
        const value = read[index]?.[1];
        if ("value" in field) expect(value).toBe(field.value);
        else if (value instanceof File) {
          expect(value.name).toBe(field.fileName);
          expect(Buffer.from(await value.arrayBuffer())).toEqual(Buffer.concat(field.pieces));
        } else expect.unreachable("A file was not read as one.");
      }
    }),
  );
});

test("no name and no content type can add a line to the head of a part", () => {
  const evil = 'x"\r\nevil: 1\r\n\r\n';
  const { pieces } = encodeForm([{ name: evil, fileName: evil, contentType: evil, pieces: [] }]);
  expect(Buffer.concat(pieces).toString()).not.toMatch(/^evil/m);
});

test("the content of a file is sent from the memory that it arrived in", () => {
  const content = [Buffer.from("RI"), Buffer.from("FF")];
  const { pieces } = encodeForm([{ name: "file", fileName: "a.wav", contentType: "audio/wav", pieces: content }]);
  for (const piece of content) expect(pieces).toContain(piece);
});

test("each form has a boundary of its own", () => {
  expect(encodeForm([]).contentType).not.toBe(encodeForm([]).contentType);
});
