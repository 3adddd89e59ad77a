/**
 * Reads the path of a request and writes it in one spelling: single slashes, no trailing slash, each segment
 * percent-encoded in one way. An id may hold `%2F`, which stays inside its segment.
 */

import { AiError } from "@openai-compat/core";

/** @param url an absolute URL. @returns its path as it was sent, without query and fragment. */
export function readPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

/** @throws AiError `invalid_request` when a percent escape is malformed. */
export function normalisePath(path: string): string {
  const segments = path.split("/").filter((segment) => segment !== "");
  return `/${segments.map(normaliseSegment).join("/")}`;
}

function normaliseSegment(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch (thrown) {
    throw new AiError("invalid_request", "The URL holds a malformed percent escape.", { cause: thrown });
  }
}
