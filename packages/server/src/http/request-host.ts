/**
 * By which names a request calls this server, and whether it may. A request can name one in its target and in `Host`.
 */

import type { IncomingMessage } from "node:http";
import type { RequestHeaders } from "./headers.ts";

/** What stands in the URL of a request that names no host, which HTTP/1.0 allows. */
export const HOST_OF_NONE = "localhost";

/** @returns what is wrong with how the host is named (RFC 9112, section 3.2); null when nothing is. */
export function findHostFault({ rawHeaders, httpVersionMajor, httpVersionMinor }: IncomingMessage): string | null {
  let hosts = 0;
  // Names and values take turns. A parsed header keeps the first host and hides that there are others.
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  if (hosts > 1) return "The request has more than one host header.";
  const needsHost = httpVersionMajor > 1 || (httpVersionMajor === 1 && httpVersionMinor >= 1);
  return hosts === 0 && needsHost ? "The request has no host header, which HTTP/1.1 requires." : null;
}

/**
 * Every host name that a request gives, an IPv6 address in brackets. For the target and the `Host` header they differ
 * where a client sends an absolute URL, and then only the first says where it wanted to go.
 *
 * @returns null for a name that can't be read as one.
 */
export function listHostNames(url: string, headers: RequestHeaders): readonly (string | null)[] {
  const host = headers.get("host");
  return [readHostName(url), ...(host === null || host === "" ? [] : [readHostName(`http://${host}/`)])];
}

function readHostName(url: string): string | null {
  return URL.canParse(url) ? new URL(url).hostname : null;
}
