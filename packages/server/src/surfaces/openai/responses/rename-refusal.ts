/**
 * What a chat refuses, in the words of a response. A model that is not there is a bad request: clients of this operation
 * take a 404 for a server that does not have it, and some of them try again.
 */

import { AiError } from "@openai-compat/core";
import type { AiErrorCode, Calls } from "@openai-compat/core";

/** By the field of a chat. */
const PARAMS: readonly (readonly [RegExp, string])[] = [
  [/^messages\b.*/, "input"],
  [/^response_format\.json_schema\.schema\b/, "text.format.schema"],
  [/^response_format\b/, "text.format"],
  [/^max_completion_tokens$|^max_tokens$/, "max_output_tokens"],
];

/** The same calls, whose refusals name the fields of a response. */
export function renameRefusals<Request, Run>(calls: Calls<Request, Run>): Calls<Request, Run> {
  return {
    operation: calls.operation,
    serve: (gate, target, request) =>
      calls.serve(gate, target, request).catch((thrown: unknown) => {
        throw renameRefusal(thrown);
      }),
  };
}

/** @returns what to throw in its place */
export function renameRefusal(thrown: unknown): unknown {
  if (!(thrown instanceof AiError)) return thrown;
  const param = thrown.param === null ? null : renameParam(thrown.param);
  const code: AiErrorCode = thrown.code === "model_not_found" ? "unknown_model" : thrown.code;
  if (param === thrown.param && code === thrown.code) return thrown;
  const { message, retryAfterMs, cause } = thrown;
  const renamed =
    thrown.param === null || param === null ? message : message.replaceAll(`'${thrown.param}'`, `'${param}'`);
  return new AiError(code, renamed, { param, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

function renameParam(param: string): string {
  const [pattern, name] = PARAMS.find(([found]) => found.test(param)) ?? [];
  return pattern === undefined || name === undefined ? param : param.replace(pattern, name);
}
