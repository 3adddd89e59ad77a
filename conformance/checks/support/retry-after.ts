/** When a refusal says that a client may come back, as the SDKs read it. */

import type { Exchange } from "../../src/exchange.ts";
import { assume, expectResponse, expectThat } from "../../src/expect.ts";
import { OWNERS } from "./owners.ts";

/** openai-node and openai-python ignore a longer wait and come back at once. */
export const RETRY_AFTER_SECONDS_MAX = 60;

/** A date has no fractions of a second, and is read a moment after it was written. */
const DATE_SECONDS_MIN = 0.001;

/**
 * Seconds of `retry-after-ms`, else of `retry-after`, which may be a date (RFC 9110 section 10.2.3); undefined when
 * neither holds a time.
 */
export function readRetryAfter(exchange: Exchange): number | undefined {
  const { headers } = expectResponse(exchange);
  const read = (name: string): number => Number.parseFloat(headers[name] ?? "");
  const date = (Date.parse(headers["retry-after"] ?? "") - Date.now()) / 1000;
  return [read("retry-after-ms") / 1000, read("retry-after"), Math.max(DATE_SECONDS_MIN, date)].find((seconds) =>
    Number.isFinite(seconds),
  );
}

/** @throws Failure by the wire */
export function expectRetryAfter(exchange: Exchange): number {
  const seconds = readRetryAfter(exchange);
  const actual = JSON.stringify(exchange.response?.headers["retry-after"]);
  expectThat(seconds !== undefined, {
    observer: "wire",
    expected: "retry-after with a number of seconds or a date",
    actual,
  });
  return seconds;
}

/** @throws Inconclusive where `expectRetryAfter` fails */
export function requireRetryAfter(exchange: Exchange): number {
  return assume("retry-after", OWNERS.rateRetryAfter, () => expectRetryAfter(exchange));
}
