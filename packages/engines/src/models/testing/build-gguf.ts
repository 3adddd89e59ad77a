/** Builds small GGUF files for tests: real format, meaningless weights. */
import { encodeGguf, type GgufContent } from "../convert/gguf-writer.ts";

export interface BuildGgufOptions extends Pick<GgufContent, "tensors"> {
  /** The length of the array of words, as a vocabulary is one. Default 3. */
  readonly words?: number;
}

export function buildGguf({ tensors, words = 3 }: BuildGgufOptions): Buffer {
  return encodeGguf({
    metadata: [
      ["general.file_type", { type: "uint32", value: 3 }],
      ["general.name", { type: "string", value: "tiny" }],
      ["tokens", { type: "strings", value: Array.from({ length: words }, (_, index) => `word ${index}`) }],
    ],
    tensors,
  });
}

/** Q4_1 blocks with every level in use, scale 1/8 and minimum −1. */
export function buildQ41Blocks(count: number): Buffer {
  const block = Buffer.alloc(20);
  block.writeUInt16LE(0x3000, 0);
  block.writeUInt16LE(0xbc00, 2);
  for (let index = 0; index < 16; index += 1) block[4 + index] = index | ((15 - index) << 4);
  return Buffer.concat(Array.from({ length: count }, () => block));
}
