/** Reads unvalidated JSON. */

import { isRecord, type JsonRecord } from "@openai-compat/core";

export { isRecord, type JsonRecord };

/** @returns the object; null when `text` is not the JSON of an object */
export function parseRecord(text: string): JsonRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
