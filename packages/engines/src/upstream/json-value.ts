/** Reading JSON of which nothing is known yet. */

import { isRecord, type JsonRecord } from "@openai-compat/core";

export { isRecord, type JsonRecord };

/** @returns the object that `text` is; null when it is no JSON or no object */
export function parseRecord(text: string): JsonRecord | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}
