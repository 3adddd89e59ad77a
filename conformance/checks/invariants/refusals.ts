/**
 * Checks that every operation refuses in the official form, whatever it refuses, and that a refusal is that of its own
 * request.
 */

import { type HttpOperation, type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext, Credential } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { envelopeSchema } from "../support/envelope.ts";
import { listParameters } from "../support/plain-requests.ts";
import { hasKey } from "../support/credential-probes.ts";
import type { Answered } from "./answered.ts";
import { ANSWERED } from "./answers.ts";
import { type Flaw, listShapeFlaws, must, readAnswer, readStream, should } from "./flaws.ts";
import { expectNoChange } from "./repeated.ts";
import { OWNERS, statusOwners } from "../support/owners.ts";

type Ask = () => Promise<Exchange>;

const UNKNOWN_KEY: Credential = { literal: "sk-conformance-0000" };

/** Requests that an operation has to refuse, whatever its body holds: that of an unknown key first. */
function listRefusedAsks(context: CheckContext, answered: Answered): readonly [Ask, ...Ask[]] {
  const { operation, send, variants, refused = [] } = answered;
  const { method, path } = operations[operation];
  const [fields = {}] = variants;
  const unknown: Ask = () => send(context, fields, { credential: UNKNOWN_KEY });
  const others: Ask[] = [() => send(context, fields, { credential: null })];
  for (const key of ["no_capability", "no_credit"] as const) {
    if (hasKey(context, key)) others.push(() => send(context, fields, { credential: key }));
  }
  for (const wrong of refused) others.push(() => send(context, { ...fields, ...wrong }));
  if (method !== "GET" && !path.includes("{")) {
    others.push(
      () => context.wire({ method, path, body: "{}" }),
      () => send(context, { ...fields, model: "conformance-no-such-model" }),
    );
  }
  return [unknown, ...others];
}

const TYPES = /^(?:[a-z]+_)*error$|^insufficient_quota$|^tokens$|^requests$/;

/** All that a request of the operation may hold. */
function listNames(operation: HttpOperationId): readonly string[] {
  const { request, pathParameters, queryParameters = {} }: HttpOperation = operations[operation];
  return [...listParameters(request), ...Object.keys(pathParameters), ...Object.keys(queryParameters)];
}

function listEnvelopeFlaws(exchange: Exchange, operation: HttpOperationId): readonly Flaw[] {
  const { status, headers } = expectResponse(exchange);
  const { body, flaws } = readAnswer(exchange);
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const { code, param } = error;
  const after = headers["retry-after"];
  return [
    ...flaws,
    ...listErrorFlaws(body),
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
      status >= 500 || headers["x-should-retry"] !== "true" || status === 429 || status === 409,
      "nothing that says try again",
      headers["x-should-retry"],
    ),
    ...should(
      status !== 429 || code !== "insufficient_quota" || headers["x-should-retry"] === "false",
      "x-should-retry: false, where waiting does not help",
      headers["x-should-retry"],
    ),
    ...should(
      typeof param !== "string" || listNames(operation).includes(param.split(/[.[]/)[0] ?? ""),
      "a param that names a parameter of the operation, or null",
      param,
    ),
    ...should(code !== "model_not_found" || param === null || param === "model", "the parameter model, or none", param),
  ];
}

/** An unknown key is refused by each operation as by another one. */
function listOtherFlaws(exchange: Exchange, known: Exchange): readonly Flaw[] {
  const [own, other] = [exchange, known].map(readError);
  if (known.response?.status !== exchange.response?.status) return [];
  return ["code", "type"].flatMap((name) =>
    should(own?.[name] === other?.[name], `the ${name} of GET /models: ${String(other?.[name])}`, own?.[name]),
  );
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
      ? "openai-node 4 and 6 show `status code (no body)`, and typed clients can't read the error at all."
      : "Programs that decide by type and code treat every error alike.",
    async run(context) {
      await requireOffered(context, operation);
      const known = await context.wire({ method: "GET", path: "/models", credential: UNKNOWN_KEY });
      for (const [place, ask] of listRefusedAsks(context, answered).entries()) {
        const exchange = await ask();
        if (expectResponse(exchange).status < 400) continue;
        const others = place === 0 ? listOtherFlaws(exchange, known) : [];
        const flaw = [...listEnvelopeFlaws(exchange, operation), ...others].find((one) => one.level === level);
        if (flaw !== undefined) throw new Failure({ ...flaw, exchange });
      }
    },
  });
}

/** Words that hold a number, such as the id of a request, differ from time to time. */
function readError(exchange: Exchange): JsonObject {
  const { body } = readAnswer(exchange);
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const words = String(error["message"]).split(/\s+/);
  const message = words.filter((word) => !/\d/.test(word)).join(" ");
  return { type: error["type"], code: error["code"], param: error["param"], message };
}

function defineAgainCheck(answered: Answered): Check {
  const { slug, operation, needs } = answered;
  return defineCheck({
    id: `errors.invariants.${slug}-again`,
    area: "errors",
    level: "should",
    tier: "protocol",
    operation,
    needs,
    requirement: `The same mistake in a ${slug} request is refused in the same words, whatever was refused in between.`,
    reference: "OpenAPI ErrorResponse; CWE-488 (exposure of data to the wrong session)",
    breaks: "Users read about a mistake that somebody else made, and programs mend a field that was right.",
    async run(context) {
      await requireOffered(context, operation);
      const [one, ...others] = listRefusedAsks(context, answered);
      const exchange = await one();
      const { status } = expectResponse(exchange);
      if (status < 400) throw new Inconclusive("an unknown key is let in", statusOwners(exchange, 401));
      await expectNoChange({ one, others, read: readError });
    },
  });
}

/** The error that ends a stream is read as a refusal is, though it has no status. */
const streamErrorCheck = defineCheck({
  id: "errors.invariants.chat-stream-error",
  area: "errors",
  level: "should",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat", "model:upstream_breaks"],
  requirement: "The error that ends a broken stream has a message, a type, and the keys of every other error.",
  reference: "OpenAPI Error; openai-node core/streaming.ts (an event with `error` is thrown as APIError)",
  breaks: "The SDK throws an error without words, and programs can't tell a broken stream from a bad request.",
  async run(context) {
    const [, streamed] = ANSWERED;
    if (streamed === undefined) return;
    const fields = { ...streamed.variants[0], model: context.models.upstream_breaks };
    const exchange = await streamed.send(context, fields);
    if (exchange.response?.status !== 200) throw new Inconclusive("no stream begins", OWNERS.upstreamEnds);
    const event = readStream(exchange, false).events.find(({ error }) => error !== undefined);
    if (event === undefined) throw new Inconclusive("no event has an error", OWNERS.upstreamErrorEvent);
    const [flaw] = listErrorFlaws(event);
    if (flaw !== undefined) throw new Failure({ ...flaw, exchange });
  },
});

/** What the body of every error has. */
function listErrorFlaws(body: unknown): readonly Flaw[] {
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const { message, type } = error;
  return [
    ...listShapeFlaws(body, envelopeSchema),
    ...must(typeof message === "string" && message !== "", "a message", error),
    ...should(typeof type === "string" && TYPES.test(type), "a type such as invalid_request_error", type),
    ...should(
      ["param", "code", "type"].every((name) => name in error),
      "param, code and type, null where there is none",
      error,
    ),
  ];
}

export const refusalChecks: readonly Check[] = [
  ...ANSWERED.flatMap((answered) => [
    defineRefusalCheck(answered, "must"),
    defineRefusalCheck(answered, "should"),
    defineAgainCheck(answered),
  ]),
  streamErrorCheck,
];
