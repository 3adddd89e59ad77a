import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodeContent } from "./decode-content.ts";

const TEXT = "Grüße, 海. ".repeat(200);

/** What comes out of bytes that come in pieces. */
async function decode(bytes: Uint8Array, encoding: string, { size = 1, bytesMax = 1_000_000 } = {}): Promise<string> {
  let at = 0;
  const read = async () => {
    if (at >= bytes.length) return null;
    at += size;
    return [bytes.subarray(at - size, at)];
  };
  const content = decodeContent({ headers: { "content-encoding": encoding }, read }, bytesMax);
  const pieces: Uint8Array[] = [];
  for (let chunks = await content.read(); chunks !== null; chunks = await content.read()) pieces.push(...chunks);
  return Buffer.concat(pieces).toString("utf8");
}

const CODINGS: readonly (readonly [string, Uint8Array])[] = [
  ["gzip", gzipSync(TEXT)],
  ["X-GZip", gzipSync(TEXT)],
  ["deflate", deflateSync(TEXT)],
  ["deflate", deflateRawSync(TEXT)],
  ["br", brotliCompressSync(TEXT)],
  ["gzip, br", brotliCompressSync(gzipSync(TEXT))],
  ["identity", Buffer.from(TEXT)],
  ["zstd", typeof zstdCompressSync === "function" ? zstdCompressSync(TEXT) : Buffer.alloc(0)],
];

test.each(CODINGS.filter(([, bytes]) => bytes.length > 0))(
  "%s is decoded, whole and byte by byte",
  async (coding, bytes) => {
    expect(await decode(bytes, coding)).toBe(TEXT);
    expect(await decode(bytes, coding, { size: bytes.length })).toBe(TEXT);
  },
);

test("each piece of a stream comes out before the next one is read", async () => {
  const { createGzip, constants } = await import("node:zlib");
  const gzip = createGzip();
  const pieces: Uint8Array[] = [];
  gzip.on("data", (piece: Uint8Array) => pieces.push(piece));
  const flush = async (text: string) => {
    gzip.write(text);
    await new Promise<void>((resolve) => gzip.flush(constants.Z_SYNC_FLUSH, resolve));
  };
  await flush("one");
  const first = Buffer.concat(pieces.splice(0));
  await flush("two");
  const source = [[first], [Buffer.concat(pieces)]];
  const content = decodeContent(
    { headers: { "content-encoding": "gzip" }, read: async () => source.shift() ?? null },
    100,
  );
  expect(String(await content.read())).toBe("one");
  expect(source).toHaveLength(1);
  expect(String(await content.read())).toBe("two");
});

test("a small answer that decompresses without end is refused at the limit", async () => {
  const bomb = gzipSync(Buffer.alloc(5_000_000));
  for (const size of [100, bomb.length]) {
    await expect(decode(bomb, "gzip", { size })).rejects.toMatchObject({ kind: "invalid" });
  }
  const twice = gzipSync(gzipSync(Buffer.alloc(5_000_000)));
  await expect(decode(twice, "gzip, gzip", { size: twice.length })).rejects.toMatchObject({ kind: "invalid" });
});

test("a truncated answer is broken, and one that is not compressed as declared is invalid", async () => {
  const bytes = gzipSync(TEXT);
  await expect(decode(bytes.subarray(0, -9), "gzip")).rejects.toMatchObject({ kind: "broken" });
  await expect(decode(Buffer.from("hello"), "gzip")).rejects.toMatchObject({ kind: "invalid" });
  await expect(decode(bytes, "lzma")).rejects.toMatchObject({ kind: "invalid" });
  await expect(decode(bytes, "gzip, gzip, gzip, gzip")).rejects.toMatchObject({ kind: "invalid" });
});
