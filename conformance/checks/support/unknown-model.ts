/** What a server may do with a model that it does not have. */

import type { Exchange } from "../../src/exchange.ts";
import { expectJsonObject, expectThat } from "../../src/expect.ts";
import { expectRefused } from "./envelope.ts";

/**
 * Servers of one model answer whatever name is asked for. That is right where the answer names the model that gave it.
 *
 * @throws Failure
 */
export function expectRefusedOrNamed(exchange: Exchange, unknown: string): void {
  if (exchange.response?.status !== 200) return expectRefused(exchange);
  const { model } = expectJsonObject(exchange);
  const expected = "a refusal with a 4xx, or the name of the model that answered";
  const holds = typeof model === "string" && model !== "" && model !== unknown;
  expectThat(holds, { observer: "wire", expected, actual: `status 200 and model ${JSON.stringify(model)}` });
}
