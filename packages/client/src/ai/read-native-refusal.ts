/** From an answer of the native surface with an error status to its error. */

import type { ClientError } from "../client-error.ts";
import { createAnswerError } from "../http/read-error.ts";
import { readText } from "../http/read-text.ts";
import { decodeNativeError, isNativeErrorShape } from "./map-native-error.ts";

/** The most bytes of such an answer that are read: a batch has one error for each of its calls. */
const REFUSAL_BYTES_MAX = 1024 * 1024;

export interface NativeRefusal {
  /** Of a batch, the error of its first call. */
  readonly error: ClientError;
  /** In tRPC's shape; null where something else has answered, such as a proxy. */
  readonly body: unknown;
}

/** @param secret the credential that was sent, which the error doesn't repeat */
export async function readNativeRefusal(response: Response, secret: string | null): Promise<NativeRefusal> {
  const { text } = await readText(response, REFUSAL_BYTES_MAX);
  const body = parse(text);
  const [first]: readonly unknown[] = Array.isArray(body) ? body : [body];
  const shape = typeof first === "object" && first !== null && "error" in first ? first.error : null;
  if (isNativeErrorShape(shape)) return { error: decodeNativeError(shape), body };
  return { error: createAnswerError(response, text, secret), body: null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy answers in HTML; the error then shows the text.
    return null;
  }
}
