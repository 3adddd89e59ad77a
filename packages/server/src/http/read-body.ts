/**
 * Reads a JSON body within bounds: bytes, time, encoding. It is called after authorisation, so that no unauthorised
 * request can make the server read an upload that it will refuse; nothing has touched the body before.
 */

import { isUtf8 } from "node:buffer";
import { AiError, createWorkSlices, toAiError } from "@openai-compat/core";
import type { BodyShare } from "./body-budget.ts";
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

/**
 * The parsed JSON text of a request, of any shape.
 *
 * @throws AiError the signal's reason when it aborts, `unsupported_media_type` (not JSON, compressed, not UTF-8 by its
 *   own word), `body_too_large`, `request_timeout`, `invalid_request` (no valid UTF-8, no valid JSON, or the client
 *   stopped sending).
 */
export async function readJsonBody(request: Request, limits: BodyLimits, options: ReadBodyOptions): Promise<JsonBody> {
  checkContentType(options.headers ?? request.headers);
  const bytes = await readBodyBytes(request, limits, options);
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
  const excess = findJsonExcess(bytes, readBounds(limits));
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
  const parsed = await parseJsonInSlices(text, readBounds(limits), createWorkSlices({ signal }));
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

function readBounds(limits: BodyLimits): JsonBounds {
  return {
    valuesMax: limits.bodyValuesMax,
    numbersMax: limits.bodyNumbersMax,
    depthMax: limits.bodyDepthMax,
  };
}

/**
 * The bytes of a body of any type, within the limits.
 *
 * @throws AiError the signal's reason when it aborts, `unsupported_media_type` (compressed), `body_too_large`,
 *   `queue_full` (with all others too large), `request_timeout`, `invalid_request` (the client stopped sending).
 */
export async function readBodyBytes(request: Request, limits: BodyLimits, options: ReadBodyOptions): Promise<Buffer> {
  const { headers = request.headers, onRead, share } = options;
  checkEncodings(headers);
  const declared = Number(headers.get("content-length") ?? 0);
  if (declared > limits.bodyBytesMax) throw bodyTooLarge(limits);
  share?.expect(declared);
  onRead();
  return readBytes(options.source ?? createRequestSource(request), limits, options);
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
  if (contentType === null) return;
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

/** The time runs from here. Nothing is kept of a body that is not read to its end. */
async function readBytes(
  source: BodySource,
  limits: BodyLimits,
  { signal, share }: Pick<ReadBodyOptions, "signal" | "share">,
): Promise<Buffer> {
  const stopping = new AbortController();
  const onAbort = () => stopping.abort(toAiError(signal.reason, signal));
  const whole = setTimeout(() => stopping.abort(bodyTimeout(limits)), limits.bodyTimeoutMs);
  const stall = setTimeout(() => stopping.abort(bodyStalled(limits)), limits.bodyStallTimeoutMs);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const keep = (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > limits.bodyBytesMax) throw bodyTooLarge(limits);
    share?.take(chunk.length);
    stall.refresh();
    chunks.push(chunk);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await source.read(keep, stopping.signal);
    return Buffer.concat(chunks, length);
  } catch (thrown) {
    if (thrown instanceof AiError) throw thrown;
    throw new AiError("invalid_request", "The request body ended before it was complete.", { cause: thrown });
  } finally {
    clearTimeout(whole);
    clearTimeout(stall);
    signal.removeEventListener("abort", onAbort);
  }
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
