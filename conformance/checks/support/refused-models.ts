/** Servers that do not offer an operation for each of their models, as a gateway does not for those of some upstreams. */

import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject } from "../../src/expect.ts";
import { Unsupported } from "../../src/outcome-signals.ts";
import { excerpt } from "../../src/response-body.ts";
import { readAnswer } from "../invariants/flaws.ts";

/**
 * For a request that names a model that there is. @throws Unsupported where the target says that the operation does not
 * take this model: 400, `unsupported_value`, `model`
 */
export function throwIfModelRefused(exchange: Exchange): void {
  if (exchange.response?.status !== 400) return;
  const { body } = readAnswer(exchange);
  const error = isJsonObject(body) ? body["error"] : null;
  if (!isJsonObject(error) || error["code"] !== "unsupported_value" || error["param"] !== "model") return;
  throw new Unsupported(`the operation does not take the model, says the target: ${excerpt(String(error["message"]))}`);
}
