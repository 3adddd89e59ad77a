/** The headers that every request may carry: its id and its credential. */

import type { IncomingMessage } from "node:http";

/**
 * The headers of a request, read one by one. A `Headers` object is one; making it costs more than all the reading, so
 * the server hands over the parsed headers of Node.js instead.
 */
export type RequestHeaders = Pick<Headers, "get" | "has">;

/** Repeated headers are joined, and repeated credentials dropped, as Node.js does it. */
export function readIncomingHeaders({ headers }: Pick<IncomingMessage, "headers">): RequestHeaders {
  const get = (name: string): string | null => {
    const value = headers[name];
    return typeof value === "object" ? value.join(", ") : (value ?? null);
  };
  return { get, has: (name) => get(name) !== null };
}

/**
 * What a caller's own id may look like: it is echoed and logged, so nothing that could forge a header or a log line.
 */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{7,127}$/;

/** The caller's id where it sent a usable one (`x-request-id`, else `x-client-request-id`), else a new `req_…`. */
export function resolveRequestId(headers: RequestHeaders): string {
  for (const name of ["x-request-id", "x-client-request-id"]) {
    const value = headers.get(name);
    if (value !== null && REQUEST_ID.test(value)) return value;
  }
  return createRequestId();
}

export function createRequestId(): string {
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}

/**
 * The bearer token of a request, its scheme in any case (RFC 9110, section 11.1).
 *
 * @returns null when there is no `Authorization` header or its scheme is another.
 */
export function decodeBearerToken(headers: RequestHeaders): string | null {
  const match = /^bearer +(\S.*)$/i.exec(headers.get("authorization") ?? "");
  return match?.[1]?.trim() ?? null;
}
