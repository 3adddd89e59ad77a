/**
 * Reads a JSON body within bounds: bytes, time, encoding. It is called after authorisation, so that nobody can make the
 * server read an upload that it will refuse; nothing has touched the body before.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { BodyShare } from "./body-budget.ts";
import type { RequestHeaders } from "./headers.ts";
import { findJsonExcess } from "./json-values.ts";

export interface BodyLimits {
  readonly bodyBytesMax: number;
  /** From the first read to the last byte. */
  readonly bodyTimeoutMs: number;
  /** Objects, arrays and what they hold, counted together. */
  readonly bodyValuesMax: number;
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
}

/**
 * The parsed JSON text of a request, of any shape.
 *
 * @throws AiError the signal's reason when it aborts, `unsupported_media_type` (not JSON, compressed, not UTF-8 by its own word), `body_too_large`,
 *   `request_timeout`, `invalid_request` (no valid UTF-8, no valid JSON, or the client stopped sending).
 */
export async function readJsonBody(request: Request, limits: BodyLimits, options: ReadBodyOptions): Promise<JsonBody> {
  checkContentType(options.headers ?? request.headers);
  const bytes = await readBodyBytes(request, limits, options);
  const text = decodeUtf8(bytes);
  if (text.trim() === "") {
    throw new AiError("invalid_request", "The request body is empty; it has to be a JSON object.");
  }
  const excess = findJsonExcess(bytes, { valuesMax: limits.bodyValuesMax, depthMax: limits.bodyDepthMax });
  if (excess === "values") throw tooManyValues(limits);
  if (excess === "depth") throw nestedTooDeep(limits);
  try {
    const value: unknown = JSON.parse(text);
    return { value, bytes: bytes.length };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : "";
    throw new AiError("invalid_request", describeJsonError(reason), { cause: thrown });
  }
}

/**
 * The bytes of a body of any type, within the limits.
 *
 * @throws AiError the signal's reason when it aborts, `body_too_large`, `queue_full` (with all others too large),
 *   `request_timeout`, `invalid_request` (the client stopped sending).
 */
export async function readBodyBytes(
  request: Request,
  limits: BodyLimits,
  { headers = request.headers, signal, onRead, share }: ReadBodyOptions,
): Promise<Uint8Array> {
  const declared = readDeclaredLength(headers);
  if (declared > limits.bodyBytesMax) throw bodyTooLarge(limits);
  if (Number.isInteger(declared)) share?.take(declared);
  onRead();
  const onChunk = (bytes: number) => share?.take(bytes);
  return readBytes(request, limits, { isDeclared: Number.isInteger(declared), signal, onChunk });
}

/** The position alone: V8's message quotes the body, and a body may hold what nobody wants in a log. */
function describeJsonError(reason: string): string {
  const position = /at position (\d+)/.exec(reason)?.[1];
  const place = position === undefined ? "" : ` near character ${position}`;
  return `We could not parse the JSON body of your request: it is not valid JSON${place}.`;
}

function checkContentType(headers: RequestHeaders): void {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new AiError(
      "unsupported_media_type",
      `Compressed request bodies are not supported (content-encoding: ${encoding.slice(0, 40)}). Send the body as it is.`,
    );
  }
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
    throw new AiError("invalid_request", "The request body is not valid UTF-8.", { cause: thrown });
  }
}

function readDeclaredLength(headers: RequestHeaders): number {
  return Number(headers.get("content-length") ?? Number.NaN);
}

interface ReadBytesOptions {
  /** Whether the length was declared. */
  readonly isDeclared: boolean;
  readonly signal: AbortSignal;
  /** Called with the size of each piece of a body whose length was not declared; throws to stop it. */
  readonly onChunk: (bytes: number) => void;
}

async function readBytes(
  request: Request,
  limits: BodyLimits,
  { isDeclared, signal, onChunk }: ReadBytesOptions,
): Promise<Uint8Array> {
  const late = Promise.withResolvers<never>();
  const stopReading = new AbortController();
  const giveUp = (reason: AiError) => {
    stopReading.abort();
    late.reject(reason);
  };
  const timer = setTimeout(() => giveUp(bodyTimeout(limits)), limits.bodyTimeoutMs);
  const onAbort = () => giveUp(toAiError(signal.reason, signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    // A declared length is enforced by the HTTP parser, and reading in one go is several times cheaper than a stream.
    const reading = isDeclared
      ? request.arrayBuffer().then((buffer) => new Uint8Array(buffer))
      : readChunks(request, limits, { isDeclared, signal: stopReading.signal, onChunk });
    const bytes = await Promise.race([reading, late.promise]);
    if (bytes.length > limits.bodyBytesMax) throw bodyTooLarge(limits);
    return bytes;
  } catch (thrown) {
    if (thrown instanceof AiError) throw thrown;
    throw new AiError("invalid_request", "The request body ended before it was complete.", { cause: thrown });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

async function readChunks(
  request: Request,
  limits: BodyLimits,
  { signal, onChunk }: ReadBytesOptions,
): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}), { once: true });
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks, length);
    length += value.length;
    try {
      if (length > limits.bodyBytesMax) throw bodyTooLarge(limits);
      onChunk(value.length);
    } catch (thrown) {
      void reader.cancel().catch(() => {});
      throw thrown;
    }
    chunks.push(value);
  }
}

function bodyTooLarge(limits: BodyLimits): AiError {
  return new AiError(
    "body_too_large",
    `The request body is larger than this server accepts (${limits.bodyBytesMax} bytes). Send less.`,
  );
}

function tooManyValues(limits: BodyLimits): AiError {
  return new AiError(
    "body_too_large",
    `The request body holds more values than this server accepts (${limits.bodyValuesMax}). Send less.`,
  );
}

/** Not the status of a large body: a few kilobytes can do it. */
function nestedTooDeep(limits: BodyLimits): AiError {
  return new AiError(
    "invalid_request",
    `The request body is nested deeper than this server accepts (${limits.bodyDepthMax} levels). Send it flatter.`,
  );
}

function bodyTimeout(limits: BodyLimits): AiError {
  return new AiError(
    "request_timeout",
    `The request body did not arrive within ${limits.bodyTimeoutMs} ms. Send it faster or in smaller requests.`,
  );
}
