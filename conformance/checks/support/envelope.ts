/** The official error body as a strict shape, and refusals as checks provoke them. */

import type { Exchange } from "../../src/exchange.ts";
import { assume, expectErrorEnvelope, expectResponse, expectStatus, type ErrorObject } from "../../src/expect.ts";

/** A refusal with this status, which another check owns. @throws Inconclusive */
export function requireStatus(exchange: Exchange, status: number | readonly number[]): void {
  assume(`status ${[status].flat().join(" or ")}`, () => expectStatus(exchange, status));
}

/** The error of a refusal with this status, both of which other checks own. @throws Inconclusive */
export function requireError(exchange: Exchange, status: number | readonly number[]): ErrorObject {
  return assume("an enveloped refusal", () => expectErrorEnvelope(exchange, { status }));
}

/** Any 4xx, whose exact status another check owns. @throws Inconclusive */
export function requireRefusal(exchange: Exchange): void {
  const { status } = expectResponse(exchange);
  requireStatus(exchange, status >= 400 && status < 500 ? status : 400);
}
