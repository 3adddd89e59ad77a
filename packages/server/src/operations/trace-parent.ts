/**
 * The header that ties the spans of several programs together.
 *
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */

import type { RequestHeaders } from "../http/headers.ts";

const TRACE_PARENT = /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;

/** The caller's `traceparent` as it came; null when there is none or it can't be read. */
export function decodeTraceParent(headers: RequestHeaders): string | null {
  const value = headers.get("traceparent");
  return value !== null && TRACE_PARENT.test(value) ? value : null;
}
