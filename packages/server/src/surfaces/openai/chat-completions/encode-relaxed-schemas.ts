/** Which keywords of the request's schemas are not enforced, as a header: `tools[0].function.parameters#/properties/a/not`. */

import type { SchemaRelaxation } from "@openai-compat/core";

/** Characters of the header; the rest of the list is a number. */
const HEADER_LENGTH_MAX = 1000;
/** Of a pointer: it is made of the names that a caller has given. */
const POINTER_LENGTH_MAX = 120;

/** No header where all is enforced. */
export function encodeRelaxedSchemas(relaxed: readonly SchemaRelaxation[]): Record<string, string> {
  const entries: string[] = [];
  let length = 0;
  for (const { param, pointer, keyword } of relaxed) {
    const entry = `${param}#${encodePointer(pointer)}/${encodePointer(keyword)}`;
    length += entry.length + 2;
    if (length > HEADER_LENGTH_MAX) break;
    entries.push(entry);
  }
  if (relaxed.length === 0) return {};
  const left = relaxed.length - entries.length;
  return { "x-schema-relaxed": [...entries, ...(left > 0 ? [`and ${left} more`] : [])].join(", ") };
}

/** As the fragment of a URL, and without what separates the entries. */
function encodePointer(pointer: string): string {
  const encoded = encodeURI(pointer.toWellFormed()).replaceAll(",", "%2C").replaceAll("#", "%23");
  return encoded.length <= POINTER_LENGTH_MAX ? encoded : `${encoded.slice(0, POINTER_LENGTH_MAX)}...`;
}
