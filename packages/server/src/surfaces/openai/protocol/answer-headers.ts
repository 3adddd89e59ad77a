/** The headers that every answer of OpenAI's carries, and which of an answer's headers scripts in a page may read. */

import type { SetHeader } from "../../../http/request-scope.ts";

/** OpenAI's own value; it has not changed since the API has one. */
const API_VERSION = "2020-10-01";

/** As `access-control-expose-headers` lists them. */
export const EXPOSED_HEADERS = [
  "x-request-id",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "x-dropped-parameters",
  "openai-processing-ms",
  "openai-version",
  "x-schema-relaxed",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
].join(", ");

export interface AnswerFacts {
  readonly requestId: string;
  /** From the request's arrival to its answer's first byte. */
  readonly processingMs: number;
}

export function setAnswerHeaders(set: SetHeader, facts: AnswerFacts): void {
  set("x-request-id", facts.requestId);
  set("openai-version", API_VERSION);
  set("openai-processing-ms", String(Math.round(facts.processingMs)));
}
