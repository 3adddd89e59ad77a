import { createWorkSlices } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { SMALL_PIECE_BYTES, countBytes, createPieceJoiner, joinPieces } from "./body-pieces.ts";

const slices = () => createWorkSlices({ signal: new AbortController().signal });
/** With memory of its own, as the pieces of a socket have. */
const pieceOf = (length: number, byte: number) => Buffer.from(new ArrayBuffer(length)).fill(byte);

function pushAll(pieces: readonly Buffer[]): Buffer[] {
  const passed: Buffer[] = [];
  const joiner = createPieceJoiner((piece) => passed.push(piece));
  for (const piece of pieces) joiner.push(piece);
  joiner.end();
  return passed;
}

test("however a body is cut, its bytes are passed on in their order, in few pieces", () => {
  const length = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 3 * SMALL_PIECE_BYTES }));
  fc.assert(
    fc.property(fc.array(length, { maxLength: 200 }), (lengths) => {
      const pieces = lengths.map((bytes, index) => pieceOf(bytes, index));
      const sent = Buffer.concat(pieces);
      const passed = pushAll(pieces);
      expect(Buffer.concat(passed).equals(sent)).toBe(true);
      expect(passed.every((piece) => piece.length > 0)).toBe(true);
      expect(passed.length).toBeLessThanOrEqual(1 + (2 * sent.length) / SMALL_PIECE_BYTES);
    }),
  );
});

test("the memory of many small pieces is that of their bytes, not of their number", () => {
  const pieces = Array.from({ length: 50_000 }, (_, index) => pieceOf(2, index));
  const passed = pushAll(pieces);
  expect(countBytes(passed)).toBe(100_000);
  const held = new Set(passed.map(({ buffer }) => buffer));
  expect(held.size).toBe(2);
  expect(countBytes(pieces)).toBe(0);
});

test("large pieces are passed on as they are", () => {
  const pieces = [pieceOf(SMALL_PIECE_BYTES, 1), pieceOf(1, 2), pieceOf(2 * SMALL_PIECE_BYTES, 3)];
  const memory = pieces.map(({ buffer }) => buffer);
  expect(pushAll(pieces).map(({ buffer }) => buffer)).toEqual(memory);
});

test("pieces that are joined are not in memory twice afterwards", async () => {
  const pieces = Array.from({ length: 20 }, (_, index) => pieceOf(SMALL_PIECE_BYTES, index));
  const sent = Buffer.concat(pieces);
  expect((await joinPieces(pieces, slices())).equals(sent)).toBe(true);
  expect(countBytes(pieces)).toBe(0);
});

test("what shares its memory with others is joined and left as it is", async () => {
  const memory = Buffer.from("one two");
  const joined = await joinPieces([memory.subarray(0, 3), memory.subarray(3)], slices());
  expect([joined.toString(), memory.toString()]).toEqual(["one two", "one two"]);
  expect(await joinPieces([], slices())).toHaveLength(0);
});

test("joining lets others go, and ends when its call does", async () => {
  const call = new AbortController();
  let now = 0;
  const ticking = createWorkSlices({ signal: call.signal, now: () => (now += 10) });
  const joining = joinPieces([pieceOf(1, 1), pieceOf(1, 2), pieceOf(1, 3)], ticking);
  call.abort(new Error("gone"));
  await expect(joining).rejects.toThrow("gone");
});
