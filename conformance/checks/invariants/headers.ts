/**
 * Checks that the headers of every operation are those that its sisters have, for answers, streams and refusals; and
 * that every operation refuses in the official form.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus, isJsonObject } from "../../src/expect.ts";
import { Failure } from "../../src/outcome-signals.ts";
import { envelopeSchema } from "../support/envelope.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { isDuration } from "../support/rate-limit.ts";
import { ANSWERED, type Answered } from "./answers.ts";
import { type Flaw, listShapeFlaws, must, readAnswer, should } from "./flaws.ts";

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

function raise(found: readonly Flaw[], exchange: Exchange, level: Flaw["level"]): void {
  const flaw = found.find((one) => one.level === level);
  if (flaw !== undefined) throw new Failure({ ...flaw, exchange });
}

async function readPlainHeaders(context: CheckContext): Promise<{ models: Headers; chat: Headers }> {
  const sent = { headers: { origin: ORIGIN } };
  const models = await context.wire({ method: "GET", path: "/models", ...sent });
  const chat =
    context.models.chat === undefined
      ? undefined
      : await ANSWERED[0]?.send(context, ANSWERED[0].variants[0] ?? {}, sent);
  return { models: expectResponse(models).headers, chat: chat?.response?.headers ?? {} };
}

async function expectHeaders(context: CheckContext, { operation, variants, send }: Answered): Promise<void> {
  await requireOffered(context, operation);
  const plain = await readPlainHeaders(context);
  const seen = new Set<string>();
  const sent = { headers: { origin: ORIGIN } };
  for (const fields of variants.slice(0, 2)) {
    const exchange = await send(context, fields, sent);
    const { headers } = expectStatus(exchange, 200);
    raise(listHeaderFlaws(headers, plain.models, seen), exchange, "should");
    const missing = RATE.find((name) => plain.chat[name] !== undefined && headers[name] === undefined);
    raise(
      should(!LIMITED.includes(operation) || missing === undefined, `${missing}, as chat has it`, "none"),
      exchange,
      "should",
    );
  }
  const refused = await send(context, variants[0] ?? {}, {
    ...sent,
    credential: { literal: "sk-conformance-0000" },
  });
  if ((refused.response?.status ?? 0) < 400) return;
  raise(listHeaderFlaws(expectResponse(refused).headers, plain.models, seen), refused, "should");
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

/** Requests that each operation has to refuse, whatever its body holds. */
async function listRefused(
  context: CheckContext,
  { operation, send, variants }: Answered,
): Promise<readonly Exchange[]> {
  const { method, path } = operations[operation];
  const [fields = {}] = variants;
  const unknown = await send(context, fields, { credential: { literal: "sk-conformance-0000" } });
  const missing = await send(context, fields, { credential: null });
  if (method === "GET") {
    if (operation !== "retrieveModel") return [unknown, missing];
    return [unknown, missing, await context.wire({ method, path: "/models/conformance-no-such-model" })];
  }
  const empty = await context.wire({ method, path, body: "{}" });
  const other = await send(context, { ...fields, model: "conformance-no-such-model" });
  return [unknown, missing, empty, other].filter(({ response }) => (response?.status ?? 0) >= 400);
}

const TYPES = /^(?:[a-z]+_)*error$|^insufficient_quota$|^tokens$|^requests$/;

function listEnvelopeFlaws(exchange: Exchange): readonly Flaw[] {
  const { status = 0, headers = {} } = exchange.response ?? {};
  if (status < 400) return [];
  const { body, flaws } = readAnswer(exchange);
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const { message, type, code } = error;
  const after = headers["retry-after"];
  return [
    ...flaws,
    ...listShapeFlaws(body, envelopeSchema),
    ...must(typeof message === "string" && message !== "", "a message", error),
    ...should(typeof type === "string" && TYPES.test(type), "a type such as invalid_request_error", type),
    ...should(
      ["param", "code", "type"].every((name) => name in error),
      "param, code and type, null where there is none",
      error,
    ),
    ...should(status !== 401 || typeof code === "string", "a code that says that the key is wrong", error),
    ...should(
      status !== 401 || /^Bearer\b/i.test(headers["www-authenticate"] ?? ""),
      "the scheme Bearer in WWW-Authenticate",
      headers["www-authenticate"],
    ),
    ...should(
      after === undefined || Number(after) < 3600 || Number.isNaN(Number(after)),
      "a time to wait that somebody waits",
      after,
    ),
    ...should(
      status < 400 || status >= 500 || headers["x-should-retry"] !== "true" || status === 429 || status === 409,
      "nothing that says try again",
      headers["x-should-retry"],
    ),
  ];
}

function defineRefusalCheck(answered: Answered, level: Flaw["level"]): Check {
  const { slug, operation, needs } = answered;
  const isStrict = level === "must";
  return defineCheck({
    id: `errors.invariants.${slug}${isStrict ? "" : "-details"}`,
    area: "errors",
    level,
    tier: "protocol",
    operation,
    needs,
    requirement: isStrict
      ? `Whatever ${slug} refuses, it refuses with the official error body, as JSON.`
      : `The refusals of ${slug} say what kind of error it is, what is to blame, and how to authenticate.`,
    reference: "OpenAPI ErrorResponse; openai-node core/error.ts APIError.generate; RFC 9110 section 11.6.1",
    breaks: isStrict
      ? "The SDK shows `status code (no body)`, and typed clients can't read the error at all."
      : "Programs that decide by type and code treat every error alike.",
    async run(context) {
      await requireOffered(context, operation);
      for (const exchange of await listRefused(context, answered)) {
        expectResponse(exchange);
        raise(listEnvelopeFlaws(exchange), exchange, level);
      }
    },
  });
}

export const headerChecks: readonly Check[] = ANSWERED.map(defineHeaderCheck);
export const refusalFormChecks: readonly Check[] = ANSWERED.flatMap((answered) => [
  defineRefusalCheck(answered, "must"),
  defineRefusalCheck(answered, "should"),
]);
