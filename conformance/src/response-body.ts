/** Views of a recorded body: bytes, text, and a short excerpt for reports. Pure; judges nothing. */

import type { Exchange } from "./exchange.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";

/** All recorded bytes in one piece; empty without a response. */
export function bodyBytes(exchange: Exchange): Uint8Array {
  const chunks = exchange.response?.chunks ?? [];
  const bytes = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.bytes.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk.bytes, offset);
    offset += chunk.bytes.byteLength;
  }
  return bytes;
}

/** The body as UTF-8, with replacement characters where it is not. */
export function bodyText(exchange: Exchange): string {
  return new TextDecoder().decode(bodyBytes(exchange));
}

/** The body as a JSON object; an empty one when it is anything else. */
export function bodyObject(exchange: Exchange): JsonObject {
  try {
    const value: unknown = JSON.parse(bodyText(exchange));
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Characters of a body that a report shows. */
const EXCERPT_LENGTH_MAX = 300;

export function excerpt(text: string): string {
  return text.length <= EXCERPT_LENGTH_MAX ? text : `${text.slice(0, EXCERPT_LENGTH_MAX)}… (${text.length} characters)`;
}

/** What an exchange came to, in one line: `401 {"error":…}`, or why there is no response. */
export function describeExchange(exchange: Exchange): string {
  if (exchange.response === null) return `no response (${exchange.transportError ?? "unknown reason"})`;
  const text = bodyText(exchange);
  const none = ["open", "aborted"].includes(exchange.response.end) ? "of whose body nothing was read" : "empty body";
  return `status ${exchange.response.status}, ${text === "" ? none : `body ${excerpt(text)}`}`;
}
