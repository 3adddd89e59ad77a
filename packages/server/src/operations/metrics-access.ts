/**
 * Access to the metrics and to what `/readyz` says of local models, which disclose a server's business. With a token: its holder. Without: a program on
 * this machine that connects directly; what a reverse proxy or a web page hands on does not count as that.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { AiError } from "@openai-compat/core";
import { decodeBearerToken } from "../http/headers.ts";
import { listHostNames } from "../http/request-host.ts";

/** Any of these headers shows that the request was forwarded. */
const FORWARDING_HEADERS = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-server",
  "x-forwarded-proto",
  "x-original-host",
  "x-client-ip",
  "x-real-ip",
  "via",
] as const;

const LOOPBACK_ADDRESS = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/;
const LOOPBACK_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

export interface MetricsReader {
  readonly request: Request;
  /** The other end of the socket; null when there is none. */
  readonly peerAddress: string | null;
}

/**
 * @param token the setting `operations.metricsToken`.
 * @throws AiError `missing_credentials`, `invalid_credentials`, `capability_missing`
 */
export function requireMetricsAccess(reader: MetricsReader, token: string | null): void {
  const refusal = findRefusal(reader, token);
  if (refusal !== null) throw refusal;
}

/** The same rule, for a route that shows others less. */
export function hasMetricsAccess(reader: MetricsReader, token: string | null): boolean {
  return findRefusal(reader, token) === null;
}

function findRefusal(reader: MetricsReader, token: string | null): AiError | null {
  if (token === null) return isLocal(reader) ? null : notLocal();
  const given = decodeBearerToken(reader.request.headers);
  if (given === null) return new AiError("missing_credentials", "The metrics of this server need a bearer token.");
  if (timingSafeEqual(digest(given), digest(token))) return null;
  return new AiError("invalid_credentials", "This token does not open the metrics.");
}

/** Hosts are looked at because a web page can make a browser connect here under its own name (DNS rebinding). */
function isLocal({ request, peerAddress }: MetricsReader): boolean {
  const { headers, url } = request;
  if (peerAddress === null || !LOOPBACK_ADDRESS.test(peerAddress)) return false;
  if (headers.has("origin") || FORWARDING_HEADERS.some((name) => headers.has(name))) return false;
  return listHostNames(url, headers).every((name) => name !== null && LOOPBACK_HOST.test(name));
}

function notLocal(): AiError {
  const message =
    "The metrics are for programs on the server's own machine. To read them from elsewhere, set operations.metricsToken.";
  return new AiError("capability_missing", message);
}

/** Equal lengths, as the comparison needs them. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
