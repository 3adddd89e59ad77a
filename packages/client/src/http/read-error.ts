/** From an answer with an error status to a `ClientError`, whichever of the known envelopes it has. */

import { ClientError } from "../client-error.ts";
import { readText } from "./read-text.ts";

/** The most bytes of an error's body that are read; what follows is cut off. */
export const ERROR_BYTES_MAX = 64 * 1024;
/** The most characters of a body without an envelope that a message shows. */
const SHOWN_CHARACTERS_MAX = 200;

interface Envelope {
  readonly message: string | null;
  readonly code: string | null;
  readonly type: string | null;
  readonly param: string | null;
}

function readProperty(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function readString(value: unknown, name: string): string | null {
  const property = readProperty(value, name);
  if (typeof property === "number") return String(property);
  return typeof property === "string" && property !== "" ? property : null;
}

/** `{error: {…}}` as OpenAI has it; `{error: "…"}`, `{message}` and `{detail}` as others have it. */
export function readEnvelope(body: unknown): Envelope {
  const error = readProperty(body, "error");
  const source = typeof error === "object" && error !== null ? error : body;
  const detail = readProperty(source, "detail");
  return {
    message:
      readString(source, "message") ??
      readString(body, "error") ??
      (typeof detail === "object" ? JSON.stringify(detail) : readString(source, "detail")),
    code: readString(source, "code"),
    type: readString(source, "type"),
    param: readString(source, "param"),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Proxies answer in HTML or plain text; the message then shows the text.
    return null;
  }
}

/** Cuts a text for a message. */
export function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS_MAX ? `${text.slice(0, SHOWN_CHARACTERS_MAX)}…` : text;
}

/** @returns the wait that `retry-after-ms` or `retry-after` asks for, in milliseconds. */
function readRetryAfterMs(headers: Headers): number | null {
  const milliseconds = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (milliseconds >= 0) return milliseconds;
  const text = headers.get("retry-after") ?? "";
  const seconds = /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 0) return seconds * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

/** What `x-should-retry` says; else 408, 409, 429 and a 5xx that is not 501. */
function isRetryable(status: number, headers: Headers): boolean {
  const advice = headers.get("x-should-retry");
  if (advice === "true" || advice === "false") return advice === "true";
  return status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501);
}

export function redact(text: string, secret: string | null): string {
  return secret === null || secret === "" ? text : text.replaceAll(secret, "[redacted]");
}

/** @param secret the credential that was sent: some servers repeat it in their message. */
export async function readErrorAnswer(response: Response, secret: string | null): Promise<ClientError> {
  const { text } = await readText(response, ERROR_BYTES_MAX);
  return createAnswerError(response, text, secret);
}

/** @param text the answer's body, as far as it has been read */
export function createAnswerError({ status, headers }: Response, text: string, secret: string | null): ClientError {
  const { message, code, type, param } = readEnvelope(parse(text));
  const shown = text.trim() === "" ? "with an empty body" : `with: ${shorten(text.trim())}`;
  return new ClientError({
    kind: "api",
    message: redact(message ?? `The server answered ${status} ${shown}`, secret),
    status,
    code,
    type,
    param,
    requestId: headers.get("x-request-id"),
    retryable: isRetryable(status, headers),
    retryAfterMs: readRetryAfterMs(headers),
  });
}
