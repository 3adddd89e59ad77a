/**
 * Requests for responses as checks send them, and the parts of an answer that most checks take for granted. `require…`
 * leaves the caller inconclusive where another check owns the defect; nothing here judges the target.
 */

import type OpenAI from "openai";
import { type CheckContext, defineShared, type SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectResponse,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { bodyText } from "../../src/response-body.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { SHORT_PROMPT } from "./chat-calls.ts";
import { OWNERS, answerOwners } from "./owners.ts";

/** What every check of the area has. */
export const RESPONSES = {
  area: "responses",
  level: "must",
  tier: "protocol",
  operation: "createResponse",
  needs: ["model:chat"],
} as const;

/** Fields of a request body, laid over the default request; `undefined` leaves a field out. */
export type ResponseFields = Readonly<Record<string, unknown>>;

/** As little as OpenAI accepts. */
const TOKENS = 16;

/** Nearly any model writes as much of an answer to it as it may. */
export const SENTENCE = { input: "Write one sentence about the sea." } as const;

function composeResponse({ models }: CheckContext, fields: ResponseFields = {}): ResponseFields {
  return { model: models.chat, input: SHORT_PROMPT, max_output_tokens: TOKENS, ...fields };
}

/** Past the SDK: its types forbid what some checks are there to send. @throws NotTestable without the operation */
export async function askResponse(context: CheckContext, fields: ResponseFields = {}): Promise<Exchange> {
  const exchange = await context.wire({
    method: "POST",
    path: "/responses",
    body: JSON.stringify(composeResponse(context, fields)),
    disconnectAfterMs: context.patienceMs,
  });
  throwIfNotOffered(exchange);
  return exchange;
}

/** Through the SDK. @throws NotTestable without the operation */
export async function callResponses<T>(
  context: CheckContext,
  call: (responses: OpenAI["responses"], model: string) => Promise<T>,
): Promise<SdkOutcome<T>> {
  const outcome = await context.sdk((client) => call(client.responses, String(context.models.chat)));
  throwIfNotOffered(outcome.exchange);
  return outcome;
}

/** The operation is not there for anybody. What is not found within it looks different. */
function throwIfNotOffered(exchange: Exchange): void {
  const { status = 0 } = exchange.response ?? {};
  const isWithin = status === 404 && /model_not_found|previous_response|conversation|item/.test(bodyText(exchange));
  if ([404, 405, 501].includes(status) && !isWithin) {
    throw new NotTestable(`the target has no createResponse: status ${status}`);
  }
}

/** Status 200 for a request that differs from a plain one in what the check is about. @throws Failure, Inconclusive */
export async function expectResponseAccepted(context: CheckContext, fields: ResponseFields): Promise<Exchange> {
  const exchange = await askResponse(context, fields);
  if (exchange.response?.status !== 200) await requireResponse(context);
  expectStatus(exchange, 200);
  return exchange;
}

/** The body of an answer. @throws Inconclusive */
export async function requireResponse(context: CheckContext, fields: ResponseFields = {}): Promise<JsonObject> {
  return readResponse(await askResponse(context, fields));
}

/** The same of a feature that a server may say it lacks, by these words. @throws Unsupported, Inconclusive */
export async function requireSupported(
  context: CheckContext,
  fields: ResponseFields,
  ...words: readonly [string, ...string[]]
): Promise<JsonObject> {
  const exchange = await askResponse(context, fields);
  throwIfUnsupported(exchange, ...words);
  return readResponse(exchange);
}

/** The body of this answer. @throws Inconclusive */
export function readResponse(exchange: Exchange): JsonObject {
  return assume("a response", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** The events of a stream, of a text in several pieces where the fields don't say otherwise. @throws Inconclusive */
export async function requireResponseEvents(
  context: CheckContext,
  fields: ResponseFields = {},
): Promise<readonly JsonObject[]> {
  return readResponseEvents(await askResponse(context, { ...SENTENCE, ...fields, stream: true }));
}

/** The events of this stream. @throws Unsupported, Inconclusive */
export function readResponseEvents(exchange: Exchange): readonly JsonObject[] {
  throwIfUnsupported(exchange, "stream");
  return assume("a stream of events", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    const events = jsonFrames(exchange);
    expectThat(events.length > 0, { observer: "wire", expected: "events", actual: "none" });
    return events;
  });
}

/** The last event of a stream, with the whole response. @throws Inconclusive */
export function requireEnd(events: readonly JsonObject[]): { readonly type: unknown; readonly response: JsonObject } {
  return assume("a last event with a response that has ended", OWNERS.responseEnd, () => {
    const { type, response } = events.at(-1) ?? {};
    const hasEnded = type === "response.completed" || type === "response.incomplete";
    const actual = JSON.stringify(type);
    expectThat(hasEnded && isJsonObject(response), { observer: "wire", expected: "one", actual });
    return { type, response };
  });
}

export function readItems({ output }: JsonObject): readonly JsonObject[] {
  return Array.isArray(output) ? output.filter(isJsonObject) : [];
}

/** All texts of the messages, as `output_text` of the SDK. */
export function readOutputText(response: JsonObject): string {
  return readItems(response)
    .filter(({ type }) => type === "message")
    .flatMap(({ content }) => (Array.isArray(content) ? content.filter(isJsonObject) : []))
    .map(({ type, text }) => (type === "output_text" && typeof text === "string" ? text : ""))
    .join("");
}

/** @throws Inconclusive */
export function requireInputTokens({ usage }: JsonObject): number {
  return assume("usage with the tokens of the input", OWNERS.responseUsage, () => {
    const tokens = isJsonObject(usage) ? usage["input_tokens"] : undefined;
    expectThat(typeof tokens === "number", { observer: "schema", expected: "a number", actual: JSON.stringify(usage) });
    return tokens;
  });
}

const KEEPING = defineShared<true>();

/**
 * That the target has responses that are read again by their id: an unknown one is not found in another way than an
 * unknown path is.
 *
 * @throws NotTestable
 */
export async function requireKept(context: CheckContext): Promise<void> {
  await context.shared(KEEPING, async () => {
    const { id } = await requireResponse(context);
    const path = `/responses/${encodeURIComponent(String(id))}`;
    const { status } = expectResponse(await context.wire({ method: "GET", path }));
    if ([404, 405, 501].includes(status)) throw new NotTestable(`the target reads no response again: status ${status}`);
    return true;
  });
}
