/**
 * Where the request for a session may carry its credential: in the header of every request; in the list of
 * subprotocols, because a web page can set no other header; or in the query, for clients that can set none at all.
 *
 * @see https://github.com/openai/openai-node/blob/master/src/realtime/websocket.ts
 */

import { AiError } from "@openai-compat/core";
import { decodeBearerToken } from "../../../http/headers.ts";
import type { RequestHeaders } from "../../../http/headers.ts";
import { readSubprotocols } from "../../../http/websocket-handshake.ts";

/** What is spoken, and the one name that is ever answered. */
export const REALTIME_SUBPROTOCOL = "realtime";
/** A key follows. */
const KEY_PREFIX = "openai-insecure-api-key.";

/**
 * @returns null where there is none.
 * @throws AiError `invalid_request` for two that differ: one of them is not meant
 */
export function findCredential(headers: RequestHeaders, query: URLSearchParams): string | null {
  const ofHeader = decodeBearerToken(headers);
  const ofSubprotocols = readSubprotocols(headers)
    .filter((protocol) => protocol.startsWith(KEY_PREFIX))
    .map((protocol) => protocol.slice(KEY_PREFIX.length));
  const sent = [...(ofHeader === null ? [] : [ofHeader]), ...ofSubprotocols, ...query.getAll("token")];
  const [first = null, ...others] = new Set(sent.filter((token) => token !== ""));
  if (others.length === 0) return first;
  throw new AiError(
    "invalid_request",
    "The request has more than one credential: send one, in the header `Authorization`, as the subprotocol " +
      `\`${KEY_PREFIX}YOUR_KEY\`, or as \`token\` in the query.`,
  );
}
