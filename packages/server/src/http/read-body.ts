/**
 * Reads a body within bounds: bytes, time, encoding; a JSON body as its value. It is called after authorisation, so that no unauthorised
 * request can make the server read an upload that it will refuse; nothing has touched the body before.
 */

import { isUtf8 } from "node:buffer";
import { AiError, createWorkSlices, toAiError } from "@openai-compat/core";
import type { BodyShare } from "./body-budget.ts";
import { createPieceJoiner, joinPieces } from "./body-pieces.ts";
import { createRequestSource } from "./body-source.ts";
import type { BodySource } from "./body-source.ts";
import type { RequestHeaders } from "./headers.ts";
import { findJsonExcess } from "./json-values.ts";
import type { JsonBounds, JsonExcess } from "./json-values.ts";
import { parseJsonInSlices } from "./parse-json.ts";

export interface BodyLimits {
  readonly bodyBytesMax: number;
  /** From the first read to the last byte. */
  readonly bodyTimeoutMs: number;
  /** Between two pieces. */
  readonly bodyStallTimeoutMs: number;
  /** Objects, arrays and what they hold, counted together, but for what `bodyNumbersMax` counts. */
  readonly bodyValuesMax: number;
  /** Numbers of all arrays, but for the first of each. */
  readonly bodyNumbersMax: number;
  /** Objects and arrays within each other. */
  readonly bodyDepthMax: number;
}

export interface JsonBody {
  readonly value: unknown;
  /** How many bytes of UTF-8 it was written in. */
  readonly bytes: number;
}

export interface ReadBodyOptions {
  /** Of the request. Default: asked of the request itself. */
  readonly headers?: RequestHeaders;
  readonly signal: AbortSignal;
  /** Called when the head has been found acceptable, just before the first byte is read. */
  readonly onRead: () => void;
  /** What the body takes of the memory for all bodies. Default: it is not counted. */
  readonly share?: BodyShare;
  /** Default: the request's own stream. */
  readonly source?: BodySource | null;
}

export interface ReadJsonOptions extends ReadBodyOptions {
  /** The value that a body without any bytes stands for. Absent: it is refused. */
  readonly whenEmpty?: unknown;
}

/**
 * The parsed JSON text of a request, of any shape.
 *
 * @throws AiError the signal's reason when it aborts, `unsupported_media_type` (not JSON, compressed, not UTF-8 by its
 *   own word), `body_too_large`, `request_timeout`, `invalid_request` (no valid UTF-8, no valid JSON, or the client
 *   stopped sending).
 */
export async function readJsonBody(request: Request, limits: BodyLimits, options: ReadJsonOptions): Promise<JsonBody> {
  checkContentType(options.headers ?? request.headers);
  const pieces: Buffer[] = [];
  await readBodyPieces(request, limits, { ...options, onPiece: (piece) => void pieces.push(piece) });
  const [first = Buffer.alloc(0)] = pieces;
  if (pieces.length === 0 && options.whenEmpty !== undefined) return { value: options.whenEmpty, bytes: 0 };
  const bytes = pieces.length > 1 ? await joinPieces(pieces, createWorkSlices(options)) : first;
  const value = bytes.length > LARGE_BODY_BYTES ? await parseLarge(bytes, limits, options) : parseSmall(bytes, limits);
  return { value, bytes: bytes.length };
}

/** What is parsed in one go takes a few milliseconds at most. */
const LARGE_BODY_BYTES = 128 * 1024;

function parseSmall(bytes: Buffer, limits: BodyLimits): unknown {
  const text = decodeUtf8(bytes);
  if (text.trim() === "") {
    throw new AiError("invalid_request", "The request body is empty; it has to be a JSON object.");
  }
  const excess = findJsonExcess(bytes, readJsonBounds(limits));
  if (excess !== null) throw refuseExcess(excess, limits);
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : "";
    throw new AiError("invalid_request", describeJsonError(reason), { cause: thrown });
  }
}

async function parseLarge(bytes: Buffer, limits: BodyLimits, { signal }: ReadBodyOptions): Promise<unknown> {
  if (!isUtf8(bytes)) throw notUtf8();
  const text = bytes.indexOf(BYTE_ORDER_MARK) === 0 ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
  const parsed = await parseJsonInSlices(text, readJsonBounds(limits), createWorkSlices({ signal }));
  switch (parsed.type) {
    case "value":
      return parsed.value;
    case "excess":
      throw refuseExcess(parsed.excess, limits);
    case "invalid": {
      const message = `We could not parse the JSON body of your request: it is not valid JSON near byte ${parsed.byte}.`;
      throw new AiError("invalid_request", message);
    }
  }
}

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/** Of all JSON that a client sends. */
export function readJsonBounds(limits: BodyLimits): JsonBounds {
  return {
    valuesMax: limits.bodyValuesMax,
    numbersMax: limits.bodyNumbersMax,
    depthMax: limits.bodyDepthMax,
  };
}

export interface ReadPiecesOptions extends ReadBodyOptions {
  /**
   * Called with each piece as it arrives, small ones put together. The piece belongs to it. What it throws ends the
   * reading.
   */
  readonly onPiece: (piece: Buffer) => void;
}

/**
 * Reads a body of any type to its end, within the limits.
 *
 * @throws AiError the signal's reason when it aborts, `unsupported_media_type` (compressed), `body_too_large`,
 *   `queue_full` (with all others too large), `request_timeout`, `invalid_request` (the client stopped sending, or sends
 *   countless tiny pieces), and what `onPiece` throws.
 */
export async function readBodyPieces(request: Request, limits: BodyLimits, options: ReadPiecesOptions): Promise<void> {
  const { headers = request.headers, onRead, share } = options;
  checkEncodings(headers);
  const declared = Number(headers.get("content-length") ?? 0);
  if (declared > limits.bodyBytesMax) throw bodyTooLarge(limits);
  share?.expect(declared);
  onRead();
  await readPieces(options.source ?? createRequestSource(request), limits, options);
}

/** Only the position: V8's message quotes the body, which must not be logged. */
function describeJsonError(reason: string): string {
  const position = /at position (\d+)/.exec(reason)?.[1];
  const place = position === undefined ? "" : ` near character ${position}`;
  return `We could not parse the JSON body of your request: it is not valid JSON${place}.`;
}

function checkEncodings(headers: RequestHeaders): void {
  for (const [name, plain] of [
    ["content-encoding", "identity"],
    // Any other coding below the last one would be left in the bytes (RFC 9112, section 6.1).
    ["transfer-encoding", "chunked"],
  ] as const) {
    const encoding = headers.get(name);
    if (encoding === null || encoding.trim().toLowerCase() === plain) continue;
    const message = `Compressed request bodies are not supported (${name}: ${encoding.slice(0, 40)}). Send the body as it is.`;
    throw new AiError("unsupported_media_type", message);
  }
}

function checkContentType(headers: RequestHeaders): void {
  const contentType = headers.get("content-type");
  // What nearly all clients send.
  if (contentType === null || contentType === "application/json") return;
  const [mediaType = "", ...parameters] = contentType.split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice("charset=".length);
  const isJson = mediaType === "application/json" || /^application\/[\w.-]+\+json$/.test(mediaType);
  if (!isJson || (charset !== undefined && !["utf-8", "utf8"].includes(charset.replaceAll('"', "")))) {
    throw new AiError(
      "unsupported_media_type",
      `Unsupported content type "${contentType.slice(0, 80)}". Send "content-type: application/json", encoded as UTF-8.`,
    );
  }
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return UTF_8.decode(bytes);
  } catch (thrown) {
    throw notUtf8(thrown);
  }
}

function notUtf8(cause?: unknown): AiError {
  return new AiError("invalid_request", "The request body is not valid UTF-8.", { cause });
}

type ReadingOptions = Pick<ReadPiecesOptions, "signal" | "share" | "onPiece">;

/** Nothing is kept of a body that is not read to its end. */
async function readPieces(source: BodySource, limits: BodyLimits, options: ReadingOptions): Promise<void> {
  const { signal, share, onPiece } = options;
  if (signal.aborted) throw toAiError(signal.reason, signal);
  // A small body comes with its head, and needs no clocks.
  const coming = source.takeWhole();
  if (coming === null) return readAsItComes(source, limits, options);
  const whole = await coming.catch((thrown: unknown) => {
    throw endedEarly(thrown);
  });
  if (whole.length > limits.bodyBytesMax) throw bodyTooLarge(limits);
  share?.take(whole.length);
  onPiece(whole);
}

function endedEarly(cause: unknown): AiError {
  return new AiError("invalid_request", "The request body ended before it was complete.", { cause });
}

/** The time runs from here. */
async function readAsItComes(
  source: BodySource,
  limits: BodyLimits,
  { signal, share, onPiece }: ReadingOptions,
): Promise<void> {
  const stopping = new AbortController();
  const onAbort = () => stopping.abort(toAiError(signal.reason, signal));
  const whole = setTimeout(() => stopping.abort(bodyTimeout(limits)), limits.bodyTimeoutMs);
  const stall = setTimeout(() => stopping.abort(bodyStalled(limits)), limits.bodyStallTimeoutMs);
  const joiner = createPieceJoiner(onPiece);
  let bytes = 0;
  let chunks = 0;
  const keep = (chunk: Uint8Array) => {
    bytes += chunk.length;
    chunks += 1;
    if (bytes > limits.bodyBytesMax) throw bodyTooLarge(limits);
    if (chunks > SMALL_CHUNKS_MAX && chunks * CHUNK_BYTES_MEAN_MIN > bytes) throw chunksTooSmall();
    share?.take(chunk.length);
    stall.refresh();
    joiner.push(chunk);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await source.read(keep, stopping.signal);
    joiner.end();
  } catch (thrown) {
    if (thrown instanceof AiError) throw thrown;
    throw endedEarly(thrown);
  } finally {
    clearTimeout(whole);
    clearTimeout(stall);
    signal.removeEventListener("abort", onAbort);
  }
}

/** So many pieces of a body may be of any size: those of the chunked encoding, or what a slow connection delivers. */
export const SMALL_CHUNKS_MAX = 10_000;
/** What the pieces of a body with more of them have on average: each costs time, however small it is. */
export const CHUNK_BYTES_MEAN_MIN = 64;

function chunksTooSmall(): AiError {
  const message = `The request body comes in more than ${SMALL_CHUNKS_MAX} pieces of less than ${CHUNK_BYTES_MEAN_MIN} bytes on average. Send it in larger chunks.`;
  return new AiError("invalid_request", message);
}

function bodyTooLarge(limits: BodyLimits): AiError {
  return new AiError(
    "body_too_large",
    `The request body is larger than this server accepts (${limits.bodyBytesMax} bytes). Send less.`,
  );
}

function refuseExcess(excess: JsonExcess, limits: BodyLimits): AiError {
  switch (excess) {
    case "values":
    case "numbers": {
      const most = excess === "values" ? limits.bodyValuesMax : limits.bodyNumbersMax;
      const message = `The request body holds more ${excess} than this server accepts (${most}). Send less.`;
      return new AiError("body_too_large", message);
    }
    case "depth": {
      // Not the status of a large body: a few kilobytes can do it.
      const message = `The request body is nested deeper than this server accepts (${limits.bodyDepthMax} levels). Send it flatter.`;
      return new AiError("invalid_request", message);
    }
  }
}

function bodyTimeout(limits: BodyLimits): AiError {
  return new AiError(
    "request_timeout",
    `The request body did not arrive within ${limits.bodyTimeoutMs} ms. Send it faster or in smaller requests.`,
  );
}

function bodyStalled(limits: BodyLimits): AiError {
  return new AiError(
    "request_timeout",
    `Nothing of the request body arrived for ${limits.bodyStallTimeoutMs} ms, and it is not complete. Send it again.`,
  );
}
