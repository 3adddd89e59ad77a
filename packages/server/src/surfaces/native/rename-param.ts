/** What is wrong with the body that an input was made into, in the words of the input. */

import { AiError } from "@openai-compat/core";

/** What the fields of a body are called in the input, longer names before those that they begin with. */
export type FieldNames = readonly (readonly [wire: string, native: string])[];

export function renameParam(thrown: unknown, names: FieldNames): unknown {
  if (!(thrown instanceof AiError) || thrown.param === null) return thrown;
  const { code, param, message, cause, retryAfterMs } = thrown;
  const found = names.find(([wire]) => param === wire || param.startsWith(`${wire}.`) || param.startsWith(`${wire}[`));
  if (found === undefined) return thrown;
  const [wire, native] = found;
  const renamed = `${native}${param.slice(wire.length)}`;
  return new AiError(code, message.replaceAll(`'${param}'`, `'${renamed}'`), {
    param: renamed,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
