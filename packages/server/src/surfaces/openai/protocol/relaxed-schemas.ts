/**
 * Which keywords of the request's schemas are not enforced, for the response header and the log:
 * `tools[0].function.parameters#/properties/a/not`.
 */

import type { SchemaRelaxation } from "@openai-compat/core";

/** Characters of the list; the rest of it is a number. */
const LIST_LENGTH_MAX = 1000;
/** Of a pointer: it is made of the names that a caller has given. */
const POINTER_LENGTH_MAX = 120;

/** No header where all is enforced. */
export function encodeRelaxedSchemas(relaxed: readonly SchemaRelaxation[]): Record<string, string> {
  return relaxed.length === 0 ? {} : { "x-schema-relaxed": listRelaxedSchemas(relaxed) };
}

/** Visible ASCII characters and spaces, whatever the names are; at most `LIST_LENGTH_MAX` of them and the number. */
export function listRelaxedSchemas(relaxed: readonly SchemaRelaxation[]): string {
  const entries: string[] = [];
  let length = 0;
  for (const { param, pointer, keyword } of relaxed) {
    const entry = `${param}#${encodePointer(pointer)}/${encodePointer(keyword)}`;
    length += entry.length + 2;
    if (length > LIST_LENGTH_MAX) break;
    entries.push(entry);
  }
  const left = relaxed.length - entries.length;
  return [...entries, ...(left > 0 ? [`and ${left} more`] : [])].join(", ");
}

/** As the fragment of a URL, and without what separates the entries. */
function encodePointer(pointer: string): string {
  const start = pointer.slice(0, POINTER_LENGTH_MAX);
  const encoded = encodeURI(start.toWellFormed()).replaceAll(",", "%2C").replaceAll("#", "%23");
  const isWhole = start.length === pointer.length && encoded.length <= POINTER_LENGTH_MAX;
  return isWhole ? encoded : `${encoded.slice(0, POINTER_LENGTH_MAX)}...`;
}
