/// <reference lib="esnext.float16" />
import fc from "fast-check";
import { expect, test } from "vitest";
import { Q4_1_BLOCK_BYTES, Q8_0_BLOCK_BYTES, WEIGHTS_PER_BLOCK, reencodeQ41AsQ80 } from "./q4-1-to-q8-0.ts";

const halfFloat = fc.float({ min: -1000, max: 1000, noNaN: true }).map((value) => Math.f16round(value));
const blocks = fc.array(
  fc.record({ scale: halfFloat, minimum: halfFloat, levels: fc.uint8Array({ minLength: 16, maxLength: 16 }) }),
  { minLength: 1, maxLength: 8 },
);

test("every weight survives within half a step of its block", () => {
  fc.assert(
    fc.property(blocks, (generated) => {
      const source = Buffer.concat(generated.map(encodeBlock));
      const before = decodeQ41(source);
      const after = decodeQ80(Buffer.from(reencodeQ41AsQ80(source)));
      expect(after).toHaveLength(before.length);
      for (let start = 0; start < before.length; start += WEIGHTS_PER_BLOCK) {
        const largest = Math.max(...before.slice(start, start + WEIGHTS_PER_BLOCK).map(Math.abs));
        const halfStep = largest / 254;
        // The scale is rounded to half precision: 11 significant bits, or a multiple of 2^-24 when it is tiny.
        const scaleError = Math.max((largest / 127) * 2 ** -11, 2 ** -25) * 127;
        for (let index = start; index < start + WEIGHTS_PER_BLOCK; index += 1) {
          const error = Math.abs((after[index] ?? Number.NaN) - (before[index] ?? Number.NaN));
          expect(error).toBeLessThanOrEqual((halfStep + scaleError) * 1.001);
        }
      }
    }),
  );
});

test("a block of zeros stays zeros", () => {
  expect(reencodeQ41AsQ80(new Uint8Array(Q4_1_BLOCK_BYTES))).toEqual(new Uint8Array(Q8_0_BLOCK_BYTES));
});

test("the known block gives the known bytes", () => {
  const source = encodeBlock({ scale: 1, minimum: 0, levels: Uint8Array.from({ length: 16 }, (_, index) => index) });
  const target = reencodeQ41AsQ80(source);
  expect(new DataView(target.buffer).getFloat16(0, true)).toBe(Math.f16round(15 / 127));
  expect(Array.from(target.subarray(2, 18), (byte) => byte)).toEqual([
    0, 8, 17, 25, 34, 42, 51, 59, 68, 76, 85, 93, 102, 110, 119, 127,
  ]);
  expect(target.subarray(18).every((byte) => byte === 0)).toBe(true);
});

test("a cut block is refused", () => {
  expect(() => reencodeQ41AsQ80(new Uint8Array(Q4_1_BLOCK_BYTES - 1))).toThrow("a Q4_1 block is cut");
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("a block with the scale %d is refused", (scale) => {
  const source = encodeBlock({ scale, minimum: 0, levels: new Uint8Array(16) });
  expect(() => reencodeQ41AsQ80(source)).toThrow("not a number");
});

interface Block {
  readonly scale: number;
  readonly minimum: number;
  readonly levels: Uint8Array;
}

function encodeBlock({ scale, minimum, levels }: Block): Buffer {
  const block = Buffer.alloc(Q4_1_BLOCK_BYTES);
  const view = new DataView(block.buffer, block.byteOffset);
  view.setFloat16(0, scale, true);
  view.setFloat16(2, minimum, true);
  block.set(levels, 4);
  return block;
}

/** Written from the format's definition, independently of the code under test. */
function decodeQ41(bytes: Buffer): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const weights: number[] = [];
  for (let at = 0; at < bytes.length; at += Q4_1_BLOCK_BYTES) {
    const packed = bytes.subarray(at + 4, at + Q4_1_BLOCK_BYTES);
    const levels = [...Array.from(packed, (byte) => byte % 16), ...Array.from(packed, (byte) => Math.floor(byte / 16))];
    weights.push(...levels.map((level) => level * view.getFloat16(at, true) + view.getFloat16(at + 2, true)));
  }
  return weights;
}

function decodeQ80(bytes: Buffer): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const weights: number[] = [];
  for (let at = 0; at < bytes.length; at += Q8_0_BLOCK_BYTES) {
    const scale = view.getFloat16(at, true);
    for (let index = 0; index < WEIGHTS_PER_BLOCK; index += 1) weights.push(view.getInt8(at + 2 + index) * scale);
  }
  return weights;
}
