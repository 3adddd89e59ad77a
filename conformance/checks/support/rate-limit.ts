/** How checks reach the limit of the key `rate_limited`, and what rate limit headers hold. Nothing here judges. */

import type OpenAI from "openai";
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckContext, SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { composeSdkChat } from "./chat-calls.ts";
import { requireStatus } from "./envelope.ts";
import { readRetryAfter } from "./retry-after.ts";
import { OWNERS } from "./owners.ts";

/** So long a check waits for a limit to be lifted. */
export const WAIT_SECONDS_MAX = 10;

export interface Exhausted<Refused = SdkOutcome<unknown>> {
  /** The calls that were answered before, in their order. */
  readonly answered: readonly Exchange[];
  /** The call whose first request was not answered with 200, whatever came instead; null when all were. */
  readonly refused: Refused | null;
}

/** Calls of any operation one after another until one is not answered with 200. Bounded as below. */
export async function exhaustBy(context: CheckContext, ask: () => Promise<Exchange>): Promise<Exhausted<Exchange>> {
  const { requestsPerMinute } = context.fixture("rate_limited");
  const answered: Exchange[] = [];
  while (answered.length <= 2 * requestsPerMinute) {
    const exchange = await ask();
    if (exchange.response?.status !== 200) return { answered, refused: exchange };
    answered.push(exchange);
  }
  return { answered, refused: null };
}

/** Calls one after another until one is refused: a window may end meanwhile, so that twice the limit can fit. */
export async function exhaustRateLimit(context: CheckContext, maxRetries = 0): Promise<Exhausted> {
  const { requestsPerMinute } = context.fixture("rate_limited");
  const answered: Exchange[] = [];
  while (answered.length <= 2 * requestsPerMinute) {
    const outcome = await callLimited(context, maxRetries);
    const [first = outcome.exchange] = outcome.exchanges;
    if (first.response?.status !== 200) return { answered, refused: outcome };
    answered.push(first);
  }
  return { answered, refused: null };
}

/** A refusal by the rate limit. @throws Inconclusive when none came */
export async function requireRateLimited(context: CheckContext): Promise<Exchange> {
  const { refused } = await exhaustRateLimit(context);
  if (refused === null) throw new Inconclusive("no call was refused, which another check judges", OWNERS.rateRefused);
  requireStatus(refused.exchange, 429);
  return refused.exchange;
}

/** As `exhaustRateLimit`, with two answered calls at least. @throws Inconclusive when a limit is not lifted in time */
export async function exhaustFreshWindow(context: CheckContext): Promise<Exhausted> {
  const first = await exhaustRateLimit(context);
  if (first.answered.length > 1 || first.refused === null) return first;
  const seconds = readRetryAfter(first.refused.exchange) ?? Infinity;
  if (seconds > WAIT_SECONDS_MAX) throw new Inconclusive("the limit was reached before", "rate-limited");
  await sleep(seconds * 1000, undefined, { signal: context.signal });
  return exhaustRateLimit(context);
}

/** The smallest chat there is. */
export async function callLimited(context: CheckContext, maxRetries = 0): Promise<SdkOutcome<unknown>> {
  const body = composeSdkChat(context, { max_tokens: 1 });
  const call = (client: OpenAI): Promise<unknown> => client.chat.completions.create(body);
  return context.sdk(call, { credential: "rate_limited", maxRetries });
}

export interface RateLimitHeaders {
  readonly limit: string | undefined;
  readonly remaining: string | undefined;
  readonly reset: string | undefined;
}

/** The headers about requests, as they are. */
export function readRateLimitHeaders({ response }: Exchange): RateLimitHeaders {
  const read = (name: string): string | undefined => response?.headers[`x-ratelimit-${name}-requests`];
  return { limit: read("limit"), remaining: read("remaining"), reset: read("reset") };
}

/** OpenAI's durations: `1s`, `6m0s`, `20ms`, `59.8s`, `1h30m`. */
const DURATION = /^(?=\d)(?:\d+h)?(?:\d+m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+(?:\.\d+)?ms)?$/;

export function isDuration(text: string): boolean {
  return DURATION.test(text);
}
