/**
 * Plain completion requests as checks send them, and the parts of an answer that most checks take for granted.
 * `require…` leaves the caller inconclusive where another check owns the defect; nothing here judges the target.
 */

import type { Completion, CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming } from "openai/resources";
import type OpenAI from "openai";
import type { CheckContext, SdkOptions, SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  requireSuccess,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { throwIfUnreadable } from "./chat-calls.ts";
import { bodyText } from "../../src/response-body.ts";
import { answerOwners, OWNERS } from "./owners.ts";

/** What every check of the area has. */
export const COMPLETIONS = {
  area: "completions",
  level: "must",
  tier: "protocol",
  operation: "createCompletion",
  needs: ["model:chat"],
} as const;

/** Fields of a request body, laid over the default request; `undefined` leaves a field out. */
export type TextFields = Readonly<Record<string, unknown>>;

/** Nearly any model goes on with it for more than a few tokens, and in plain ASCII. */
export const COUNTING = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,";
export const OTHER_PROMPT = "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Monday,";

/** As far as a target can, the same text each time. */
export const REPEATABLE: TextFields = { max_tokens: 16, temperature: 0, seed: 7 };

export async function askText(
  context: CheckContext,
  fields: TextFields = {},
  options: SdkOptions = {},
): Promise<Exchange> {
  return (await createText(context, fields, options)).exchange;
}

/** One-shot through the SDK. */
export async function createText(
  context: CheckContext,
  fields: TextFields = {},
  options: SdkOptions = {},
): Promise<SdkOutcome<Completion>> {
  // The SDK's types forbid what some checks are there to send.
  const request = composeText(context, fields) as unknown as CompletionCreateParamsNonStreaming;
  const outcome = await context.sdk((client) => client.completions.create(request), options);
  throwIfNotOffered(outcome.exchange);
  return outcome;
}

/** Streamed through the SDK, read to its end; the value is the text that the SDK's events hold. */
export async function streamText(context: CheckContext, fields: TextFields = {}): Promise<SdkOutcome<string>> {
  // As above.
  const request = { ...composeText(context, fields), stream: true } as unknown as CompletionCreateParamsStreaming;
  const read = async (client: OpenAI): Promise<string> => {
    let text = "";
    for await (const event of await client.completions.create(request)) text += event.choices[0]?.text ?? "";
    return text;
  };
  const outcome = await context.sdk(read);
  throwIfNotOffered(outcome.exchange);
  throwIfUnsupported(outcome.exchange, "stream");
  return outcome;
}

function composeText(context: CheckContext, fields: TextFields = {}): TextFields {
  return { model: context.models.completion ?? context.models.chat, prompt: COUNTING, max_tokens: 8, ...fields };
}

/** The operation, or this model in it, is not there for anybody. An unknown model alone looks different. */
function throwIfNotOffered(exchange: Exchange): void {
  const { status = 0 } = exchange.response ?? {};
  const namesModel = status === 404 && bodyText(exchange).includes("model_not_found");
  if ([404, 405, 501].includes(status) && !namesModel) {
    throw new NotTestable(`the target has no createCompletion: status ${status}`);
  }
}

/** Status 200 for a request that differs from a plain one in what the check is about. @throws Failure, Inconclusive */
export async function expectTextAccepted(context: CheckContext, fields: TextFields): Promise<Exchange> {
  const exchange = await askText(context, fields);
  if (exchange.response?.status !== 200) {
    const plain = await askText(context);
    assume("a plain completion request is answered", answerOwners(plain), () => expectStatus(plain, 200));
  }
  expectStatus(exchange, 200);
  return exchange;
}

/** The body of an answer. @throws Inconclusive */
export async function requireTextBody(context: CheckContext, fields: TextFields = {}): Promise<JsonObject> {
  return readTextBody(await askText(context, fields));
}

/** The choices of an answer. @throws Inconclusive */
export async function requireTextChoices(
  context: CheckContext,
  fields: TextFields = {},
): Promise<readonly TextChoice[]> {
  return readTextChoices(await askText(context, fields));
}

/** The first choice of an answer. @throws Inconclusive */
export async function requireTextChoice(context: CheckContext, fields: TextFields = {}): Promise<TextChoice> {
  const [choice] = await requireTextChoices(context, fields);
  return assume("the answer has a choice", OWNERS.textChoice, () => {
    expectThat(choice !== undefined, { observer: "schema", expected: "a choice", actual: "none" });
    return choice;
  });
}

/** The text of the first choice. @throws Inconclusive */
export async function requireContinuation(context: CheckContext, fields: TextFields = {}): Promise<string> {
  return (await requireTextChoice(context, fields)).text;
}

/** @throws Inconclusive */
export function readTextBody(exchange: Exchange): JsonObject {
  return assume("a completion", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** One choice of an answer or of one event of it, with nothing promised but its text. */
export interface TextChoice extends JsonObject {
  readonly text: string;
}

/** @throws Inconclusive */
export function readTextChoices(exchange: Exchange): readonly TextChoice[] {
  const { choices } = readTextBody(exchange);
  return assume("choices with a text", OWNERS.textChoice, () => expectTextChoices(choices));
}

/** @throws Failure */
function expectTextChoices(choices: unknown): readonly TextChoice[] {
  const found = Array.isArray(choices) ? choices.filter(isTextChoice) : [];
  const holds = Array.isArray(choices) && found.length === choices.length;
  expectThat(holds, { observer: "schema", expected: "choices with a text", actual: JSON.stringify(choices) });
  return found;
}

function isTextChoice(choice: unknown): choice is TextChoice {
  return isJsonObject(choice) && typeof choice["text"] === "string";
}

export interface TextEvent extends JsonObject {
  readonly choices: readonly TextChoice[];
}

/** The events of a stream that the SDK could read. @throws Inconclusive */
export async function requireTextEvents(context: CheckContext, fields: TextFields = {}): Promise<readonly TextEvent[]> {
  const outcome = await streamText(context, fields);
  await throwIfUnreadable(context, outcome, () => streamText(context));
  if (outcome.value === undefined) requireSuccess(outcome, answerOwners(outcome.exchange));
  return assume("events with choices", OWNERS.textEvents, () => {
    const events = jsonFrames(outcome.exchange);
    expectThat(events.length > 0, { observer: "wire", expected: "events", actual: "none" });
    return events.map((event) => ({ ...event, choices: expectTextChoices(event["choices"]) }));
  });
}

/** The text of one choice, put together from its events as a client does it. */
export function joinTexts(events: readonly TextEvent[], index = 0): string {
  return events
    .flatMap(({ choices }) => choices)
    .filter((choice) => choice["index"] === index)
    .map(({ text }) => text)
    .join("");
}
