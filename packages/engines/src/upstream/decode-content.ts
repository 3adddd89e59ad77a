/**
 * Decodes an answer's bytes to uncompressed UTF-8. That is requested too, but some servers and proxies compress all the
 * same, or use another charset. It works piece by piece and is bounded.
 */

import type { Transform } from "node:stream";
import zlib from "node:zlib";
import type { ExchangeAnswer } from "./exchange.ts";
import { UpstreamError } from "./upstream-error.ts";

export type ContentReader = Pick<ExchangeAnswer, "read">;

/** Maximum number of stacked codings; no known server sends more. */
const CODINGS_MAX = 3;

/**
 * @param answer its headers name the codings and the charset
 * @param bytesMax of what comes out
 * @returns `answer` itself where there is nothing to decode
 * @throws UpstreamError `invalid` for a coding that is unknown here. While reading: `invalid` for bytes that are not of
 *   that coding, or too many of them; `broken` when they end too early
 */
export function decodeContent(answer: Pick<ExchangeAnswer, "headers" | "read">, bytesMax: number): ContentReader {
  const { headers } = answer;
  const codings = readCodings(headers["content-encoding"]);
  let reader: ContentReader = answer;
  for (const coding of codings.toReversed()) reader = decompress(reader, coding, bytesMax);
  const charset = readCharset(headers["content-type"]);
  return charset === null ? reader : transcode(reader, charset);
}

function readCodings(header: string | undefined): readonly string[] {
  const codings = (header ?? "").toLowerCase().split(/[\s,]+/);
  const effective = codings.filter((coding) => coding !== "" && coding !== "identity");
  if (effective.length > CODINGS_MAX) throw new UpstreamError("invalid", "The answer is compressed too often.");
  return effective;
}

function createDecompressor(coding: string, firstByte: number): Transform {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "deflate":
      // In the zlib format by the standard; some servers omit its header.
      return (firstByte & ZLIB_METHOD_MASK) === ZLIB_METHOD ? zlib.createInflate() : zlib.createInflateRaw();
    case "br":
      return zlib.createBrotliDecompress();
    case "zstd":
      // Node.js has it from 22.15 on.
      if (typeof zlib.createZstdDecompress === "function") return zlib.createZstdDecompress();
  }
  throw new UpstreamError("invalid", `The answer is compressed with ${coding.slice(0, 20)}, which is unknown here.`);
}

const ZLIB_METHOD_MASK = 0x0f;
const ZLIB_METHOD = 8;

/** Each piece is decoded before the next one is read, so a stream is never delayed. */
function decompress(source: ContentReader, coding: string, bytesMax: number): ContentReader {
  let transform: Transform | null = null;
  let decoded: Uint8Array[] = [];
  let failure: UpstreamError | null = null;
  let bytes = 0;
  let hasEnded = false;

  function start(first: Uint8Array): Transform {
    const created = createDecompressor(coding, first[0] ?? 0);
    created.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      decoded.push(chunk);
      if (bytes <= bytesMax) return;
      failure = new UpstreamError("invalid", `The answer is longer than ${bytesMax} bytes when decompressed.`);
      created.destroy();
    });
    created.on("error", (error: NodeJS.ErrnoException) => {
      const kind = error.code === "Z_BUF_ERROR" ? "broken" : "invalid";
      failure ??= new UpstreamError(kind, `The answer could not be decompressed: ${error.code ?? error.message}`);
    });
    return created;
  }

  /** @returns when all decodable output has been emitted, or decoding has failed */
  async function push(target: Transform, chunk: Uint8Array | null): Promise<void> {
    await new Promise<void>((resolve) => {
      target.once("close", resolve);
      if (chunk === null) target.end(() => {});
      else {
        target.write(chunk, () => {
          target.off("close", resolve);
          resolve();
        });
      }
    });
    if (failure !== null) throw failure;
  }

  async function pull(): Promise<void> {
    const chunks = await source.read();
    if (chunks === null) {
      hasEnded = true;
      if (transform !== null) await push(transform, null);
      return;
    }
    for (const chunk of chunks) {
      if (chunk.length === 0) continue;
      transform ??= start(chunk);
      await push(transform, chunk);
    }
  }

  return {
    async read() {
      while (decoded.length === 0 && !hasEnded) await pull();
      if (decoded.length === 0) return null;
      const taken = decoded;
      decoded = [];
      return taken;
    },
  };
}

/** @returns null for UTF-8, for ASCII, which is a subset, and for unknown charsets */
function readCharset(contentType: string | undefined): string | null {
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? "")?.[1];
  if (label === undefined || /^(?:utf-?8|us-ascii|ascii)$/i.test(label)) return null;
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

function transcode(source: ContentReader, charset: string): ContentReader {
  const decoder = new TextDecoder(charset);
  let hasEnded = false;
  return {
    async read() {
      if (hasEnded) return null;
      const chunks = await source.read();
      hasEnded = chunks === null;
      const text = (chunks ?? []).map((chunk) => decoder.decode(chunk, { stream: true })).join("");
      return [Buffer.from(hasEnded ? text + decoder.decode() : text)];
    },
  };
}
