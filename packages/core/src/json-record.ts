/** Reading a JSON value of which nothing is known yet. */

export type JsonRecord = Record<string, unknown>;

/** Whether it is a JSON object. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
