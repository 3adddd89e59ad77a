/**
 * What becomes of each documented parameter of an endpoint: how such a table is written and how a request is checked by
 * it.
 */

import { AiError } from "@openai-compat/core";

/**
 * - `honoured`: changes the answer as documented.
 * - `no effect`: accepted; a hint, a label or a promise about bookkeeping that this server has no use for.
 * - a function: honoured, but refused where it would change the answer in a way that this server can't, or contradicts
 *   another parameter. It returns the error that names what is wrong, or null where this use is right.
 */
type ParameterRule<Request> = "honoured" | "no effect" | ((request: Request) => AiError | null);

/**
 * The table is total: a parameter that OpenAI adds does not compile until it is decided. Parameters that OpenAI does
 * not document are ignored.
 *
 * @returns the check of a request. @throws AiError of the check: the first refusal in the table's order.
 */
export function defineParameterRules<Request>(
  rules: Readonly<Record<keyof Request, ParameterRule<Request>>>,
): (request: Request) => void {
  const list = Object.values<ParameterRule<Request>>(rules);
  return (request) => {
    for (const rule of list) {
      const refusal = typeof rule === "function" ? rule(request) : null;
      if (refusal !== null) throw refusal;
    }
  };
}

export function unsupportedParameter(param: string): AiError {
  return new AiError("unsupported_parameter", `Unsupported parameter: '${param}' is not supported by this server.`, {
    param,
  });
}

/** @param supported what to send in its place, in words. */
export function unsupportedValue(param: string, value: string, supported: string): AiError {
  const message = `Unsupported value: '${param}' does not support '${value}' on this server. Supported: ${supported}.`;
  return new AiError("unsupported_value", message, { param });
}
