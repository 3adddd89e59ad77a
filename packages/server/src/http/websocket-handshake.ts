/**
 * Validates the opening handshake of a WebSocket (RFC 6455, section 4.2.1), so that whatever is wrong with it is refused
 * in the surface's own form.
 */

import { AiError } from "@openai-compat/core";
import type { RequestHeaders } from "./headers.ts";

/** The version of the protocol, the only one that there is in practice. */
export const WEBSOCKET_VERSION = "13";

/** 16 bytes of base64. */
const KEY = /^[+/\dA-Za-z]{21}[AQgw]==$/;
/** RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;
/** More is no honest offer, and each is looked at. */
const SUBPROTOCOLS_MAX = 32;

/**
 * @returns the subprotocols that the client offers, in its order.
 * @throws AiError `invalid_request`; `upgrade_required` for another version
 */
export function readHandshake(headers: RequestHeaders): readonly string[] {
  // Node.js does not read the body of a request that it has given away.
  if (headers.has("transfer-encoding") || (headers.get("content-length") ?? "0").trim() !== "0") {
    throw new AiError("invalid_request", "A request that opens a WebSocket can't have a body.");
  }
  if (headers.get("sec-websocket-version")?.trim() !== WEBSOCKET_VERSION) {
    throw new AiError("upgrade_required", `This server speaks version ${WEBSOCKET_VERSION} of the WebSocket protocol.`);
  }
  if (!KEY.test(headers.get("sec-websocket-key") ?? "")) {
    throw new AiError("invalid_request", "The header `Sec-WebSocket-Key` has to be 16 bytes in base64, once.");
  }
  return readSubprotocols(headers);
}

/** @throws AiError `invalid_request` */
export function readSubprotocols(headers: RequestHeaders): readonly string[] {
  const header = headers.get("sec-websocket-protocol");
  if (header === null) return [];
  const offered = header.split(",", SUBPROTOCOLS_MAX + 1).map((protocol) => protocol.trim());
  const isList =
    offered.length <= SUBPROTOCOLS_MAX &&
    offered.every((protocol) => TOKEN.test(protocol)) &&
    new Set(offered).size === offered.length;
  // The header may hold a key, so no part of it is shown.
  if (!isList) {
    const message = `The header \`Sec-WebSocket-Protocol\` has to be a list of at most ${SUBPROTOCOLS_MAX} different tokens.`;
    throw new AiError("invalid_request", message);
  }
  return offered;
}
