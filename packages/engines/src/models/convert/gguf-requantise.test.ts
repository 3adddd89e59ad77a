import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { decodeGgufHeader } from "../gguf-header.ts";
import { requantiseGguf } from "./gguf-requantise.ts";
import { reencodeQ41AsQ80 } from "./q4-1-to-q8-0.ts";
import { buildGguf, buildQ41Blocks } from "../testing/build-gguf.ts";
import { makeTemporaryDirectory } from "../testing/temporary-directory.ts";

const NORM = { name: "norm", type: 0, dimensions: [4], bytes: Buffer.from(Float32Array.of(1, 2, 3, 4).buffer) };
const MATRIX = { name: "matrix", type: 3, dimensions: [64, 3], bytes: buildQ41Blocks(6) };

test("Q4_1 tensors become Q8_0 and everything else stays", async () => {
  const { result, written } = await requantise(buildGguf({ tensors: [NORM, MATRIX, { ...NORM, name: "last" }] }));

  const { header, fileTypeOffset, dataOffset } = decodeGgufHeader(written);
  expect(header.tensors.map(({ name, type, dimensions }) => ({ name, type, dimensions }))).toEqual([
    { name: "norm", type: 0, dimensions: [4] },
    { name: "matrix", type: 8, dimensions: [64, 3] },
    { name: "last", type: 0, dimensions: [4] },
  ]);
  expect(header.metadata.readUInt32LE(fileTypeOffset ?? -1)).toBe(7);
  const contents = [NORM.bytes, Buffer.from(reencodeQ41AsQ80(MATRIX.bytes)), NORM.bytes];
  header.tensors.forEach(({ offsetBytes }, index) => {
    const expected = contents[index] ?? Buffer.alloc(0);
    const start = dataOffset + offsetBytes;
    expect(start % header.alignmentBytes).toBe(0);
    expect(written.subarray(start, start + expected.length).equals(expected)).toBe(true);
  });
  expect(result.sizeBytes).toBe(written.length);
  expect(result.sha256).toBe(createHash("sha256").update(written).digest("hex"));
});

test("a tensor of several chunks is the same as one of a single chunk", async () => {
  const blocks = buildQ41Blocks(20_000);
  const { written } = await requantise(
    buildGguf({ tensors: [{ name: "large", type: 3, dimensions: [32, 20_000], bytes: blocks }] }),
  );
  const { dataOffset } = decodeGgufHeader(written);
  expect(written.subarray(dataOffset).equals(Buffer.from(reencodeQ41AsQ80(blocks)))).toBe(true);
});

test("a head larger than the first read is read whole", async () => {
  const { written } = await requantise(buildGguf({ tensors: [MATRIX], words: 400_000 }));
  expect(decodeGgufHeader(written).header.tensors).toHaveLength(1);
});

test("a file that was cut anywhere is refused, never converted", async () => {
  const whole = buildGguf({ tensors: [NORM, MATRIX] });
  await using directory = await makeTemporaryDirectory();
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 10), async (length) => {
      await expect(requantiseIn(directory.path, whole.subarray(0, length))).rejects.toBeInstanceOf(AiError);
    }),
    { numRuns: 60 },
  );
});

test("bytes of any kind give a header or a clear error", () => {
  const start = Buffer.from("GGUF\u0003\0\0\0");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decodeGgufHeader(Buffer.concat([start, bytes]));
      } catch (error) {
        expect(error).toBeInstanceOf(AiError);
      }
    }),
  );
});

test.each([
  ["another magic", (file: Buffer) => file.write("GGML"), "does not start as one"],
  ["another version", (file: Buffer) => file.writeUInt32LE(2, 4), "version 2 is not supported"],
  ["a huge tensor count", (file: Buffer) => file.writeBigUInt64LE(1n << 40n, 8), "more than 65536"],
  ["an impossible length", (file: Buffer) => file.writeBigUInt64LE(1n << 60n, 16), "impossibly large"],
])("%s is refused", async (_title, damage, message) => {
  const file = buildGguf({ tensors: [MATRIX] });
  damage(file);
  await expect(requantise(file)).rejects.toThrow(message);
});

test("a tensor of an encoding that is not known is refused by name", async () => {
  await expect(requantise(buildGguf({ tensors: [{ ...MATRIX, type: 12 }] }))).rejects.toThrow(
    "Tensor matrix has ggml type 12",
  );
});

test("a tensor whose rows are not whole blocks is refused", async () => {
  await expect(requantise(buildGguf({ tensors: [{ ...MATRIX, dimensions: [48, 4] }] }))).rejects.toThrow(
    "impossible shape",
  );
});

test("an aborted conversion stops", async () => {
  await using directory = await makeTemporaryDirectory();
  const sourcePath = path.join(directory.path, "source.gguf");
  await writeFile(sourcePath, buildGguf({ tensors: [MATRIX] }));
  const options = { sourcePath, targetPath: path.join(directory.path, "target.gguf"), signal: AbortSignal.abort() };
  await expect(requantiseGguf(options)).rejects.toThrow("aborted");
});

async function requantise(file: Buffer) {
  await using directory = await makeTemporaryDirectory();
  return await requantiseIn(directory.path, file);
}

async function requantiseIn(directory: string, file: Buffer) {
  const sourcePath = path.join(directory, "source.gguf");
  const targetPath = path.join(directory, "target.gguf");
  await writeFile(sourcePath, file);
  const result = await requantiseGguf({ sourcePath, targetPath });
  return { result, written: await readFile(targetPath) };
}
