/**
 * Cross-origin access for browser clients. Requested headers are echoed, because `*` does not cover `Authorization` and
 * the SDKs add `x-stainless-*` headers from release to release. The headers go on errors too, or a browser would show
 * "Connection error" in their place.
 */

import { AiError } from "@openai-compat/core";
import type { RequestHeaders } from "./headers.ts";
import type { SetHeader } from "./request-scope.ts";

export interface CorsPolicy {
  /** `*`, or the exact origins that may read answers. */
  readonly allowedOrigins: readonly string[];
  /** What scripts in a page may read of an answer, separated by commas. */
  readonly exposedHeaders: string;
}

const ALLOWED_METHODS = "GET, HEAD, POST, DELETE, OPTIONS";
const PREFLIGHT_MAX_AGE_SECONDS = 7200;

/** A browser asking whether it may send the real request. */
export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** The answer to a preflight. For an origin that is not allowed it has no headers that say what would be. */
export function createPreflightResponse(request: Request, allowedOrigins: readonly string[]): Response {
  const headers = new Headers({ vary: "Access-Control-Request-Headers" });
  if (findAllowedOrigin(request.headers.get("origin"), allowedOrigins) === null) {
    return new Response(null, { status: 204, headers });
  }
  headers.set("access-control-allow-methods", ALLOWED_METHODS);
  headers.set("access-control-max-age", String(PREFLIGHT_MAX_AGE_SECONDS));
  const requested = request.headers.get("access-control-request-headers");
  if (requested !== null) headers.set("access-control-allow-headers", requested);
  if (request.headers.get("access-control-request-private-network") === "true") {
    headers.set("access-control-allow-private-network", "true");
  }
  return new Response(null, { status: 204, headers });
}

/**
 * Sets what a browser needs to hand the answer to its page, but for `vary`: see `variesByOrigin`.
 *
 * @param origin the request's `Origin`; null when it did not come from a page.
 */
export function setCorsHeaders(
  set: SetHeader,
  origin: string | null,
  { allowedOrigins, exposedHeaders }: CorsPolicy,
): void {
  const allowed = findAllowedOrigin(origin, allowedOrigins);
  if (allowed === null) return;
  set("access-control-allow-origin", allowed);
  set("access-control-expose-headers", exposedHeaders);
}

/** Whether answers have to say `vary: Origin`. */
export function variesByOrigin({ allowedOrigins }: CorsPolicy): boolean {
  return !allowedOrigins.includes("*");
}

function findAllowedOrigin(origin: string | null, allowedOrigins: readonly string[]): string | null {
  if (allowedOrigins.includes("*")) return "*";
  return origin !== null && allowedOrigins.includes(origin) ? origin : null;
}

/**
 * For a WebSocket, which a page may open anywhere: its origin has to be allowed, or be this server itself, under whatever
 * name the page was asked for.
 *
 * @throws AiError `origin_not_allowed`
 */
export function checkPageOrigin(headers: RequestHeaders, allowedOrigins: readonly string[]): void {
  const origin = headers.get("origin");
  if (origin === null || findAllowedOrigin(origin, allowedOrigins) !== null) return;
  if (URL.canParse(origin) && new URL(origin).host === headers.get("host")) return;
  throw new AiError("origin_not_allowed", "Pages of this origin may not open sessions here.");
}
