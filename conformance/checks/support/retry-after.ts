/** When a refusal says that a client may come back, as the SDKs read it. */

import type { Exchange } from "../../src/exchange.ts";
import { assume, expectResponse, expectThat } from "../../src/expect.ts";

/** openai-node and openai-python ignore a longer wait and come back at once. */
export const RETRY_AFTER_SECONDS_MAX = 60;

/** Seconds of `retry-after-ms`, else of `retry-after`; undefined when neither holds a number. */
export function readRetryAfter(exchange: Exchange): number | undefined {
  const { headers } = expectResponse(exchange);
  const read = (name: string): number => Number.parseFloat(headers[name] ?? "");
  return [read("retry-after-ms") / 1000, read("retry-after")].find((seconds) => Number.isFinite(seconds));
}

/** @throws Failure by the wire */
export function expectRetryAfter(exchange: Exchange): number {
  const seconds = readRetryAfter(exchange);
  const actual = JSON.stringify(exchange.response?.headers["retry-after"]);
  expectThat(seconds !== undefined, { observer: "wire", expected: "retry-after with a number of seconds", actual });
  return seconds;
}

/** @throws Inconclusive where `expectRetryAfter` fails */
export function requireRetryAfter(exchange: Exchange): number {
  return assume("retry-after", () => expectRetryAfter(exchange));
}
