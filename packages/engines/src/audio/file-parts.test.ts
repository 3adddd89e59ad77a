import { expect, test } from "vitest";
import { PART_BYTES, createFileReceiver, listParts } from "./file-parts.ts";

const fileOf = (length: number) => new Uint8Array(length).map((_, index) => (index * 31) % 251);

test.each([0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])(
  "a file of %i bytes is the same in small parts",
  (length) => {
    const file = fileOf(length);
    const receiver = createFileReceiver();
    for (const part of listParts(file)) {
      expect(part.bytes.length).toBeLessThanOrEqual(PART_BYTES);
      receiver.receive(structuredClone(part));
    }
    expect(Buffer.from(receiver.take()).equals(file)).toBe(true);
    expect(receiver.take()).toHaveLength(0);
  },
);

test("nothing is left of a file whose sending ended early", () => {
  const receiver = createFileReceiver();
  const [first] = listParts(fileOf(2 * PART_BYTES));
  if (first !== undefined) receiver.receive(first);
  const next = new Uint8Array([7, 8, 9]);
  for (const part of listParts(next)) receiver.receive(part);
  expect(receiver.take()).toEqual(next);
});
