/**
 * Turns the path of a request into the one spelling that routes are written in: the API below `/v1`, single slashes, no
 * trailing slash, each segment percent-encoded in one way. An id may hold `%2F`, which stays inside its segment.
 */

import { AiError } from "@openai-compat/core";

/** Where the API is mounted; the second is what proxies that can't change their prefix expect. */
export const API_MOUNTS = ["/api/v1/openai/v1", "/v1"] as const;

/** The mount that routes are written with. */
export const API_ROOT = "/v1";

/** @param url an absolute URL. @returns its path as it was sent, without query and fragment. */
export function readPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

/** Below the first mount, with nothing in it that has a second spelling: what nearly every client sends. */
const IN_ONE_SPELLING = /^\/v1(?:\/[\w-]+)+$/;

/**
 * @param url an absolute URL.
 * @returns the path with its mount as `/v1` (`/v1/models/a%2Fb`); as it is, in the one spelling, below no mount.
 * @throws AiError `invalid_request` when a percent escape is malformed.
 */
export function normalisePath(url: string): string {
  const raw = readPath(url);
  if (IN_ONE_SPELLING.test(raw)) return raw;
  const segments = raw.split("/").filter((segment) => segment !== "");
  const path = `/${segments.map(normaliseSegment).join("/")}`;
  const mount = API_MOUNTS.find((candidate) => path === candidate || path.startsWith(`${candidate}/`));
  return mount === undefined ? path : `${API_ROOT}${path.slice(mount.length)}`;
}

function normaliseSegment(segment: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(segment));
  } catch (thrown) {
    throw new AiError("invalid_request", "The URL holds a malformed percent escape.", { cause: thrown });
  }
}
