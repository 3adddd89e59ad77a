/** How long an upstream asks to wait. */

/** A longer wait is cut to this: an upstream must not make a caller wait for a day. */
const RETRY_AFTER_MS_MAX = 600_000;

/**
 * `retry-after-ms`, else `retry-after` as seconds or as a date.
 *
 * @param nowMs since the epoch
 * @returns undefined when there is no valid value
 */
export function decodeRetryAfter(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  nowMs: number,
): number | undefined {
  const waitMs = readMilliseconds(headers["retry-after-ms"]) ?? readSecondsOrDate(headers["retry-after"], nowMs);
  return waitMs === undefined ? undefined : Math.min(Math.max(Math.ceil(waitMs), 0), RETRY_AFTER_MS_MAX);
}

const NUMBER = /^\d+(?:\.\d+)?$/;

function readMilliseconds(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && NUMBER.test(header) ? Number(header) : undefined;
}

function readSecondsOrDate(header: string | string[] | undefined, nowMs: number): number | undefined {
  if (typeof header !== "string") return undefined;
  if (NUMBER.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : atMs - nowMs;
}
