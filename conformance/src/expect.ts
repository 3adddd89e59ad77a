/**
 * The words that checks are written in. Each helper looks at one thing and throws the outcome signal that fits:
 * `Failure` when the target is wrong, `Inconclusive` when nothing can be said. None of them talks to the target.
 */

import { validateShape } from "@openai-compat/spec";
import { z } from "zod";
import type { SdkOutcome } from "./check-context.ts";
import type { Exchange, RecordedResponse } from "./exchange.ts";
import { isUnreachable } from "./exchange-recording.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";
import { Failure, type FailureDetails, Inconclusive, Unsupported } from "./outcome-signals.ts";
import type { Owners } from "./owners.ts";
import { bodyBytes, bodyText, describeExchange, excerpt } from "./response-body.ts";

export { isJsonObject, type JsonObject } from "./json-object.ts";

/** Ends the check as failed unless `holds`. @throws Failure */
export function expectThat(holds: boolean, details: FailureDetails): asserts holds {
  if (!holds) throw new Failure(details);
}

/**
 * Runs an expectation which another check owns: where that one would fail, this check is only inconclusive, so that one
 * defect is blamed once. @throws Inconclusive
 */
export function assume<T>(what: string, owners: Owners, expectation: () => T): T {
  try {
    return expectation();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Inconclusive(`this needs ${what}, which ${owners.ids.join(", ")} judges: ${thrown.message}`, owners);
  }
}

/** The SDK's value, where this check needs the call to succeed but another check owns that. @throws Inconclusive */
export function requireSuccess<T>(outcome: SdkOutcome<T>, owners: Owners): NonNullable<T> {
  throwIfUnreachable(outcome.exchange);
  throwIfRateLimited(outcome.exchange);
  if (outcome.value !== undefined && outcome.value !== null) return outcome.value;
  throw new Inconclusive(`the call did not succeed: ${describeThrown(outcome.error)}`, owners);
}

/** The SDK's value, where its success is what this check is about. @throws Failure by the SDK */
export function expectSdkValue<T>(outcome: SdkOutcome<T>): NonNullable<T> {
  throwIfUnreachable(outcome.exchange);
  throwIfRateLimited(outcome.exchange);
  if (outcome.value !== undefined && outcome.value !== null) return outcome.value;
  throw new Failure({
    observer: "sdk",
    expected: "the official SDK to return a value",
    actual: outcome.error === undefined ? "nothing" : `it threw ${describeThrown(outcome.error)}`,
    exchange: outcome.exchange,
  });
}

type ErrorClass<E extends Error> = abstract new (...values: never[]) => E;

/** The SDK's error, which must be of exactly this class. @throws Failure by the SDK */
export function expectSdkError<E extends Error>(outcome: SdkOutcome<unknown>, errorClass: ErrorClass<E>): E {
  throwIfUnreachable(outcome.exchange);
  if (outcome.error instanceof errorClass && outcome.error.constructor === errorClass) return outcome.error;
  if (outcome.exchange.response?.status === 429) throwIfRateLimited(outcome.exchange);
  throw new Failure({
    observer: "sdk",
    expected: `the official SDK to throw ${errorClass.name}`,
    actual: outcome.error === undefined ? "it returned a value" : `it threw ${describeThrown(outcome.error)}`,
    exchange: outcome.exchange,
  });
}

/** @throws Failure when no response arrived, Inconclusive when nothing accepted the connection. */
export function expectResponse(exchange: Exchange): RecordedResponse {
  throwIfUnreachable(exchange);
  if (exchange.response !== null) return exchange.response;
  throw new Failure({ observer: "wire", expected: "an HTTP response", actual: describeExchange(exchange), exchange });
}

/** A 429 that is not among the accepted ones says nothing about the target and leaves the check inconclusive. */
export function expectStatus(exchange: Exchange, accepted: number | readonly number[]): RecordedResponse {
  const response = expectResponse(exchange);
  const statuses = [accepted].flat();
  if (statuses.includes(response.status)) return response;
  throwIfRateLimited(exchange);
  throw new Failure({
    observer: "wire",
    expected: `status ${statuses.join(" or ")}`,
    actual: describeExchange(exchange),
    exchange,
  });
}

/** `rule` is the exact value, a pattern, or null for a header that must be absent. @returns the header's value */
export function expectHeader(exchange: Exchange, name: string, rule: string | RegExp | null): string | undefined {
  const value = expectResponse(exchange).headers[name.toLowerCase()];
  const holds =
    rule === null
      ? value === undefined
      : value !== undefined && (rule instanceof RegExp ? rule.test(value) : rule === value);
  if (holds) return value;
  const expected =
    rule === null
      ? `no header ${name}`
      : `header ${name} ${rule instanceof RegExp ? `matching ${String(rule)}` : `"${rule}"`}`;
  throw new Failure({
    observer: "wire",
    expected,
    actual: value === undefined ? "no such header" : `"${value}"`,
    exchange,
  });
}

/** The whole body as JSON; the status and the content type are other expectations. @throws Failure by the wire */
export function expectJson(exchange: Exchange): unknown {
  const { end, truncated } = expectResponse(exchange);
  if (truncated) throw new Inconclusive("the body is longer than what is recorded", "unrecorded");
  if (end !== "clean") {
    throw new Failure({
      observer: "wire",
      expected: "a complete body",
      actual: `a body that ended as ${end}`,
      exchange,
    });
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bodyBytes(exchange)));
  } catch {
    const actual = describeExchange(exchange);
    throw new Failure({ observer: "wire", expected: "a body that is JSON in UTF-8", actual, exchange });
  }
}

/** The body as a JSON object. @throws Failure by the wire, or by the schema when it is JSON but no object */
export function expectJsonObject(exchange: Exchange): JsonObject {
  const body = expectJson(exchange);
  if (isJsonObject(body)) return body;
  const actual = excerpt(JSON.stringify(body));
  throw new Failure({ observer: "schema", expected: "a JSON object", actual, exchange });
}

/** A JSON body of this shape, where null counts as absent. @throws Failure by the schema, listing every issue */
export function expectShape(exchange: Exchange, schema: z.ZodType): JsonObject {
  const body = expectJsonObject(exchange);
  expectValueShape(body, schema, exchange);
  return body;
}

/** A value out of a body, such as one frame of a stream, of this shape. @throws Failure by the schema */
function expectValueShape(value: unknown, schema: z.ZodType, exchange?: Exchange): void {
  const issues = validateShape(schema, value).map((issue) => `${issue.path || "(root)"}: ${issue.message}`);
  if (issues.length === 0) return;
  throw new Failure({
    observer: "schema",
    expected: "the shape in the specification",
    actual: `${issues.join("; ")} in ${excerpt(JSON.stringify(value) ?? "nothing")}`,
    ...(exchange === undefined ? {} : { exchange }),
  });
}

export interface ErrorRule {
  readonly status?: number | readonly number[];
  readonly code?: string | readonly string[];
  readonly type?: string | readonly string[];
  readonly param?: string;
}

export interface ErrorObject {
  readonly message: string;
  readonly type?: string | null | undefined;
  readonly param?: string | null | undefined;
  readonly code?: string | number | null | undefined;
}

const errorEnvelope = z.looseObject({
  error: z.looseObject({
    message: z.string().min(1),
    type: z.string().nullish(),
    param: z.string().nullish(),
    // The document wants a string. Who sends a number is told so by the checks of the envelope, once.
    code: z.union([z.string(), z.number()]).nullish(),
  }),
});

/** `{"error":{message,…}}`, and whichever of its values the rule names. @throws Failure */
export function expectErrorEnvelope(exchange: Exchange, rule: ErrorRule = {}): ErrorObject {
  if (rule.status !== undefined) expectStatus(exchange, rule.status);
  expectShape(exchange, errorEnvelope);
  const { error } = errorEnvelope.parse(expectJson(exchange));
  for (const name of ["code", "type", "param"] as const) {
    const accepted = rule[name] === undefined ? [] : [rule[name]].flat();
    if (accepted.length === 0 || accepted.includes(String(error[name] ?? ""))) continue;
    throw new Failure({
      observer: "wire",
      expected: `error.${name} ${accepted.map((value) => `"${value}"`).join(" or ")}`,
      actual: describeExchange(exchange),
      exchange,
    });
  }
  return error;
}

/**
 * Ends the check as unsupported when the target refused the feature canonically: 4xx or 501 whose envelope names one of
 * these words in `param` or `message`. A refusal in any other format is left to the check's own expectation.
 */
export function throwIfUnsupported(exchange: Exchange, ...words: readonly [string, ...string[]]): void {
  const status = exchange.response?.status ?? 0;
  if (![400, 404, 405, 422, 501].includes(status)) return;
  const parsed = errorEnvelope.safeParse(parseJsonOrNull(bodyText(exchange)));
  if (!parsed.success) return;
  const { message, param } = parsed.data.error;
  const named = words.find((word) => param?.split(/[.[]/)[0] === word || namesWord(message, word));
  if (named !== undefined) throw new Unsupported(`the target refused \`${named}\` with ${status}: ${excerpt(message)}`);
}

/** A whole word, so that a message with the letter n does not name the parameter `n`. */
function namesWord(message: string, word: string): boolean {
  return message.split(/[^\w.-]+/).some((part) => part.replace(/\.$/, "") === word);
}

function parseJsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function throwIfUnreachable(exchange: Exchange): void {
  if (isUnreachable(exchange)) throw new Inconclusive(describeExchange(exchange), "unreachable");
}

function throwIfRateLimited(exchange: Exchange): void {
  if (exchange.response?.status !== 429) return;
  throw new Inconclusive(`the target limits our rate: ${describeExchange(exchange)}`, "rate-limited");
}

/** `ClassName: message` of whatever was thrown. */
export function describeThrown(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.constructor.name}: ${excerpt(thrown.message)}` : excerpt(String(thrown));
}
