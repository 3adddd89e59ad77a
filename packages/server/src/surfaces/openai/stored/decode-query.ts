/** The parameters of a query against their schemas: the same errors as those of a body. */

import { z } from "zod";
import { decodeBody } from "../decode-body.ts";

/**
 * Unknown parameters are ignored. `name[key]=value` is a member of the object `name`; a list is `name[]=value`, or
 * `name=value`, once for each of its elements.
 *
 * @throws AiError `invalid_type`, `invalid_value`, naming the parameter
 */
export function decodeQuery<Parameters extends z.ZodRawShape>(
  parameters: Parameters,
  query: URLSearchParams,
): z.output<z.ZodObject<Parameters>> {
  const schema = z.object(parameters);
  const values: Record<string, unknown> = {};
  for (const [name, text] of query) {
    const [, object, key] = /^(\w+)\[([^\]]*)\]$/.exec(name) ?? [];
    const listed = object ?? name;
    if (isList(schema.shape[listed])) values[listed] = [values[listed] ?? [], text].flat();
    else if (object === undefined || key === undefined) values[name] ??= readValue(schema.shape[name], text);
    else if (Object.hasOwn(parameters, object)) values[object] = { ...Object(values[object]), [key]: text };
  }
  return decodeBody(schema, values);
}

function isList(schema: z.core.$ZodType | undefined): boolean {
  return schema instanceof z.ZodOptional ? isList(schema.unwrap()) : schema instanceof z.ZodArray;
}

/** A text, unless only a number or a truth value fits. */
function readValue(schema: z.core.$ZodType | undefined, text: string): unknown {
  if (schema === undefined || text.trim() === "" || z.safeParse(schema, text).success) return text;
  const truth = TRUTH_VALUES.get(text);
  if (truth !== undefined && z.safeParse(schema, truth).success) return truth;
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

const TRUTH_VALUES: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
]);
