/**
 * Checks that the headers of every operation are those that its sisters have, for answers, streams and refusals.
 */

import type { HttpOperationId } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus } from "../../src/expect.ts";
import { Failure } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { isDuration } from "../support/rate-limit.ts";
import type { Answered } from "./answered.ts";
import { ANSWERED } from "./answers.ts";
import { type Flaw, should } from "./flaws.ts";

const ORIGIN = "https://conformance.example";
/** Headers that the SDK reads in a page. */
const READ_BY_PAGES = ["x-request-id", "retry-after"];

const ALLOWED = "access-control-allow-origin";
const EXPOSED = "access-control-expose-headers";

type Headers = Readonly<Record<string, string>>;

function isExposed({ [EXPOSED]: names = "" }: Headers, name: string): boolean {
  return names
    .toLowerCase()
    .split(/[\s,]+/)
    .some((one) => one === "*" || one === name);
}

/** Every request id of a run of requests is another. */
function listHeaderFlaws(headers: Headers, plain: Headers, seen: Set<string>): readonly Flaw[] {
  const { "x-request-id": id } = headers;
  const flaws = [
    ...should(id !== undefined && id.length > 4, "a request id", id),
    ...should(id === undefined || !seen.has(id), "a request id of its own", id),
    ...should(headers[ALLOWED] === plain[ALLOWED], `${ALLOWED} as of GET /models: ${plain[ALLOWED]}`, headers[ALLOWED]),
    ...READ_BY_PAGES.filter((name) => isExposed(plain, name)).flatMap((name) =>
      should(isExposed(headers, name), `${name} exposed, as by GET /models`, headers[EXPOSED]),
    ),
    ...listRateFlaws(headers),
  ];
  if (id !== undefined) seen.add(id);
  return flaws;
}

function listRateFlaws(headers: Headers): readonly Flaw[] {
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map(
    (name) => headers[`x-ratelimit-${name}-requests`],
  );
  const isCount = (value: string | undefined): boolean => value === undefined || /^\d+$/.test(value);
  return [
    ...should(isCount(limit), "a number in x-ratelimit-limit-requests", limit),
    ...should(
      isCount(remaining) && Number(remaining ?? 0) <= Number(limit ?? Infinity),
      "no more remaining than the limit",
      remaining,
    ),
    ...should(
      [limit, remaining, reset].every((value) => (value === undefined) === (limit === undefined)),
      "limit, remaining and reset together",
      { limit, remaining, reset },
    ),
    ...should(reset === undefined || isDuration(reset), "a duration in x-ratelimit-reset-requests", reset),
  ];
}

const RATE = ["limit", "remaining", "reset"].map((name) => `x-ratelimit-${name}-requests`);
/** Operations that take a model, and so a share of the limit. */
const LIMITED: readonly HttpOperationId[] = [
  "createChatCompletion",
  "createCompletion",
  "createEmbedding",
  "createSpeech",
  "createTranscription",
  "createTranslation",
];

function raise(found: readonly Flaw[], exchange: Exchange): void {
  const [flaw] = found;
  if (flaw !== undefined) throw new Failure({ ...flaw, exchange });
}

const SENT = { headers: { origin: ORIGIN } };

async function readModelHeaders(context: CheckContext): Promise<Headers> {
  return expectResponse(await context.wire({ method: "GET", path: "/models", ...SENT })).headers;
}

/** Those of a chat, for an operation that takes a share of the same limit; none for any other. */
async function readChatHeaders(context: CheckContext, operation: HttpOperationId): Promise<Headers> {
  const [chat] = ANSWERED;
  if (chat === undefined || context.models.chat === undefined || !LIMITED.includes(operation)) return {};
  const exchange = await chat.send(context, { ...chat.variants[0], ...chat.least }, SENT);
  return exchange.response?.headers ?? {};
}

async function expectHeaders(context: CheckContext, { operation, variants, least, send }: Answered): Promise<void> {
  await requireOffered(context, operation);
  const plain = await readModelHeaders(context);
  const chat = await readChatHeaders(context, operation);
  const seen = new Set<string>();
  for (const fields of variants.slice(0, 2)) {
    const exchange = await send(context, { ...fields, ...least }, SENT);
    const { headers } = expectStatus(exchange, 200);
    raise(listHeaderFlaws(headers, plain, seen), exchange);
    const missing = RATE.find((name) => chat[name] !== undefined && headers[name] === undefined);
    raise(should(missing === undefined, `${missing}, as chat has it`, "none"), exchange);
  }
  for (const credential of [{ literal: "sk-conformance-0000" }, null]) {
    const refused = await send(context, variants[0] ?? {}, { ...SENT, credential });
    if ((refused.response?.status ?? 0) < 400) continue;
    raise(listHeaderFlaws(expectResponse(refused).headers, plain, seen), refused);
  }
}

function defineHeaderCheck(answered: Answered): Check {
  const { slug, operation, needs } = answered;
  return defineCheck({
    id: `http.invariants.${slug}`,
    area: "http",
    level: "should",
    tier: "protocol",
    operation,
    needs,
    requirement: `Answers and refusals of ${slug} have the headers that those of other operations have: request id, CORS, limits.`,
    reference: "openai-node core/error.ts APIError.requestID; Fetch Standard, CORS check; OpenAI rate limit headers",
    breaks: "Web pages can't read the answer, and failures of this operation can't be found in the server's log.",
    run: (context) => expectHeaders(context, answered),
  });
}

export const headerChecks: readonly Check[] = ANSWERED.map(defineHeaderCheck);
