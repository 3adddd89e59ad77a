/**
 * Where OpenAI's API is mounted, and the path of a request as routes are written: the API below `/v1`, in one spelling.
 */

import { normalisePath, readPath } from "../../../http/request-path.ts";

/** Where the API is mounted; the second is what proxies that can't change their prefix expect. */
export const API_MOUNTS = ["/api/v1/openai/v1", "/v1"] as const;

/** The mount that routes are written with. */
export const API_ROOT = "/v1";

/** Below the first mount, with nothing in it that has a second spelling: what nearly every client sends. */
const IN_ONE_SPELLING = /^\/v1(?:\/[\w-]+)+$/;

/**
 * @param url an absolute URL.
 * @returns the path with its mount as `/v1` (`/v1/models/a%2Fb`); as it is, in the one spelling, below no mount.
 * @throws AiError `invalid_request` when a percent escape is malformed.
 */
export function resolveRoutePath(url: string): string {
  const raw = readPath(url);
  if (IN_ONE_SPELLING.test(raw)) return raw;
  const path = normalisePath(raw);
  const mount = API_MOUNTS.find((candidate) => path === candidate || path.startsWith(`${candidate}/`));
  return mount === undefined ? path : `${API_ROOT}${path.slice(mount.length)}`;
}
