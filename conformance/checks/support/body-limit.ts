/** A chat body one byte above the limit of the recipe. It is a valid request but for its size. */

import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { composeChat } from "./chat-calls.ts";

/** @throws Inconclusive when the connection broke while we were sending: an answer may have been lost with it */
export async function postTooLarge(context: CheckContext): Promise<Exchange> {
  const body = JSON.stringify(composeChat(context)).padEnd(context.fixture("body_bytes_max") + 1);
  const exchange = await context.wire({ method: "POST", path: "/chat/completions", body });
  if (/^(?:EPIPE|ECONNRESET):/.test(exchange.transportError ?? "")) {
    throw new Inconclusive("the connection was closed while the body was sent, and an answer may be lost", "chance");
  }
  return exchange;
}
