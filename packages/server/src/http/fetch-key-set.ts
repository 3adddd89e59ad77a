/**
 * Fetches a JSON Web Key Set (RFC 7517, section 5): one GET, bounded in time, bytes and keys. It remembers nothing:
 * when to fetch, and what its keys mean, is core's business.
 */

import { isRecord } from "@openai-compat/core";
import type { JSONWebKeySet } from "jose";

export interface KeySetSource {
  /** See `isKeySetUrl`. */
  readonly url: string;
  /** For the whole answer. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  /** A set with more keys is refused as a whole: which of them to leave out is not for the reader to say. */
  readonly keysMax: number;
}

/** Keys that anyone on the way could replace prove nothing: HTTPS, or HTTP that does not leave this machine. */
export function isKeySetUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
}

const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** @throws Error that says why there is no usable set; it is for the operator, not for a caller. */
export async function fetchKeySet(source: KeySetSource): Promise<JSONWebKeySet> {
  try {
    const response = await fetch(source.url, {
      headers: { accept: "application/jwk-set+json, application/json" },
      // A redirect would leave the URL whose safety was checked.
      redirect: "error",
      signal: AbortSignal.timeout(source.timeoutMs),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`it answered ${response.status}`);
    }
    return decodeKeySet(await readText(response, source.bytesMax), source.keysMax);
  } catch (thrown) {
    // A query may hold a secret, and this text is logged.
    const { origin, pathname } = new URL(source.url);
    throw new Error(`No key set from ${origin}${pathname}: ${describeFailure(thrown, source)}`, { cause: thrown });
  }
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest of the body.
    if (bytes > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function decodeKeySet(text: string, keysMax: number): JSONWebKeySet {
  const value: unknown = JSON.parse(text);
  if (!isKeySet(value)) throw new Error("it is no JSON Web Key Set");
  if (value.keys.length > keysMax) throw new Error(`it has ${value.keys.length} keys, more than ${keysMax}`);
  return value;
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return isRecord(value) && Array.isArray(value["keys"]) && value["keys"].every(isRecord);
}

function describeFailure(thrown: unknown, { timeoutMs }: KeySetSource): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return `it took longer than ${timeoutMs} ms`;
  // `fetch` says "fetch failed" and leaves the reason to its cause.
  return thrown.cause instanceof Error ? `${thrown.message} (${thrown.cause.message})` : thrown.message;
}
