/**
 * Chat requests as checks send them, and the parts of an answer that most checks take for granted. `require…` leaves
 * the caller inconclusive where another check owns the defect; nothing here judges the target.
 */

import type {
  ChatCompletion,
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
} from "openai/resources";
import type OpenAI from "openai";
import type { CheckContext, Credential, SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { type ChatChunk, chatChunks } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectSdkValue,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  requireSuccess,
} from "../../src/expect.ts";
import { Inconclusive, Unsupported } from "../../src/outcome-signals.ts";
import { bodyText, excerpt } from "../../src/response-body.ts";
import { answerOwners, OWNERS } from "./owners.ts";
import type { Owners } from "../../src/owners.ts";

/** Fields of a request body, laid over the default request; `undefined` leaves a field out. */
export type ChatFields = Readonly<Record<string, unknown>>;

/** Nearly any model answers it with more than a few tokens; a check must not fail on one that does not. */
export const LONG_PROMPT = "Count from 1 to 200, all numbers, separated by blanks.";

/** Small models answer it with one word: for answers of whose text nothing is demanded, and whose limit can't be lower. */
export const SHORT_PROMPT = "Answer yes or no: blue sea?";

/** For requests of which only matters that they are answered, and what they cost. */
export const FIRST_TOKEN: ChatFields = { max_tokens: 1 };

export function userMessage(content: unknown): ChatFields {
  return { role: "user", content };
}

export function composeChat(context: CheckContext, fields: ChatFields = {}): ChatFields {
  const messages = [userMessage("Write one sentence about the sea.")];
  return { model: context.models.chat, messages, max_tokens: 16, ...fields };
}

/** A chat for the SDK's non-streaming call. */
export function composeSdkChat(context: CheckContext, fields: ChatFields = {}): ChatCompletionCreateParamsNonStreaming {
  // The SDK's types forbid what some checks are there to send: unknown roles, wrong types, undocumented fields.
  return composeChat(context, fields) as unknown as ChatCompletionCreateParamsNonStreaming;
}

/** A chat for the SDK's streaming call. */
export function composeSdkStream(context: CheckContext, fields: ChatFields = {}): ChatCompletionCreateParamsStreaming {
  // As above.
  return { ...composeChat(context, fields), stream: true } as unknown as ChatCompletionCreateParamsStreaming;
}

/** One-shot chat through the SDK, whatever comes of it. */
export async function askChat(
  context: CheckContext,
  fields: ChatFields = {},
  credential: Credential = "full",
): Promise<Exchange> {
  const body = composeSdkChat(context, fields);
  const { exchange } = await context.sdk((client) => client.chat.completions.create(body), { credential });
  return exchange;
}

/** Non-streaming chat through the SDK that has to be refused. */
export async function askRefusable(context: CheckContext, fields: ChatFields): Promise<Exchange> {
  const body = composeSdkChat(context, fields);
  return (await context.sdk((client) => client.chat.completions.create(body), { isRefusable: true })).exchange;
}

/**
 * With these OpenAI refuses what one of its models lacks, such as `max_tokens` where only `max_completion_tokens` is
 * known.
 */
const MODEL_LIMITS = ["unsupported_parameter", "unsupported_value"];

/** Ends the check as unsupported when the target says that this model has no such parameter or value. */
function throwIfModelLacks(exchange: Exchange): void {
  if (exchange.response?.status !== 400) return;
  const { error } = readObject(bodyText(exchange));
  const { code, message } = isJsonObject(error) ? error : {};
  if (!MODEL_LIMITS.includes(String(code))) return;
  throw new Unsupported(`the model lacks it, says the target with ${String(code)}: ${excerpt(String(message))}`);
}

function readObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

/**
 * Status 200 for a chat request that differs from a plain one in what the check is about. Where a plain one is not
 * answered either, that is not what is wrong. @throws Failure, Inconclusive, Unsupported
 */
export async function expectAccepted(context: CheckContext, exchange: Exchange): Promise<void> {
  if (exchange.response?.status !== 200) {
    throwIfModelLacks(exchange);
    const plain = await askChat(context);
    assume("a plain chat request is answered", answerOwners(plain), () => expectStatus(plain, 200));
  }
  expectStatus(exchange, 200);
}

/** The first one: status 200 for a plain chat request. @throws Failure, Unsupported */
export function expectAnswered(exchange: Exchange): void {
  throwIfModelLacks(exchange);
  expectStatus(exchange, 200);
}

/** The body of a successful non-streaming chat. @throws Inconclusive */
export async function requireCompletion(context: CheckContext, fields: ChatFields = {}): Promise<JsonObject> {
  const exchange = await askChat(context, fields);
  return assume("a chat completion", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** That the SDK makes an assistant's message of a plain answer, which other checks own. @throws Inconclusive */
export async function requireSdkMessage(context: CheckContext): Promise<void> {
  const body = composeSdkChat(context);
  const outcome = await context.sdk(async (client) => {
    // What came under another content type is no completion, whatever its type says.
    const { choices } = (await client.chat.completions.create(body)) as Partial<ChatCompletion>;
    return choices?.[0]?.message.role ?? "none";
  });
  const role = requireSuccess(outcome, answerOwners(outcome.exchange));
  if (role !== "assistant")
    throw new Inconclusive("the SDK makes no assistant's message of a plain answer", OWNERS.chatRole);
}

/** The first choice of a successful non-streaming chat. @throws Inconclusive */
export async function requireChoice(context: CheckContext, fields: ChatFields = {}): Promise<JsonObject> {
  return readChoice(await requireCompletion(context, fields));
}

/** The first choice of a completion. @throws Inconclusive */
export function readChoice({ choices }: JsonObject): JsonObject {
  return assume("choices[0] is an object", OWNERS.chatChoice, () => {
    const [choice] = Array.isArray(choices) ? choices : [];
    expectThat(isJsonObject(choice), { observer: "schema", expected: "an object", actual: JSON.stringify(choices) });
    return choice;
  });
}

/** The first choice's message. @throws Inconclusive */
export async function requireMessage(context: CheckContext, fields: ChatFields = {}): Promise<JsonObject> {
  const { message } = await requireChoice(context, fields);
  return assume("choices[0].message is an object", OWNERS.chatMessage, () => {
    expectThat(isJsonObject(message), { observer: "schema", expected: "an object", actual: JSON.stringify(message) });
    return message;
  });
}

/** The first choice's text. @throws Inconclusive */
export async function requireText(context: CheckContext, fields: ChatFields = {}): Promise<string> {
  const { content } = await requireMessage(context, fields);
  return assume("message.content is a string", OWNERS.chatContent, () => {
    expectThat(typeof content === "string", { observer: "schema", expected: "a string", actual: String(content) });
    return content;
  });
}

/** A number of `usage`. @throws Inconclusive */
export async function requireUsage(
  context: CheckContext,
  fields: ChatFields = {},
): Promise<Record<UsageField, number>> {
  return readUsage(await requireCompletion(context, fields), OWNERS.chatUsage);
}

export type UsageField = "prompt_tokens" | "completion_tokens" | "total_tokens";

/** The three counts of an answer's `usage`, or of the event of a stream that has it. @throws Inconclusive */
export function readUsage(body: JsonObject, owners: Owners): Record<UsageField, number> {
  const usage = isJsonObject(body["usage"]) ? body["usage"] : {};
  const read = (field: UsageField): number =>
    assume(`usage.${field} is a number`, owners, () => {
      const value = usage[field];
      expectThat(typeof value === "number", { observer: "schema", expected: "a number", actual: String(value) });
      return value;
    });
  return {
    prompt_tokens: read("prompt_tokens"),
    completion_tokens: read("completion_tokens"),
    total_tokens: read("total_tokens"),
  };
}

/** Streamed chat through the SDK, read to its end; the value counts the SDK's chunks. */
export async function streamChat(
  context: CheckContext,
  fields: ChatFields = {},
  credential: Credential = "full",
): Promise<SdkOutcome<number>> {
  const body = composeSdkStream(context, fields);
  const read = async (client: OpenAI): Promise<number> => {
    let chunks = 0;
    for await (const _ of await client.chat.completions.create(body)) chunks += 1;
    return chunks;
  };
  return context.sdk(read, { credential });
}

/** The raw chunks of a stream that the SDK could read. @throws Inconclusive */
export async function requireChunks(context: CheckContext, fields: ChatFields = {}): Promise<readonly ChatChunk[]> {
  const outcome = await streamChat(context, fields);
  await throwIfUnreadable(context, outcome, () => streamChat(context));
  requireSuccess(outcome, answerOwners(outcome.exchange));
  return chatChunks(outcome.exchange, OWNERS.streamRead);
}

/**
 * A stream that the SDK can't read is a fault of what was asked for, unless it can't read a plain one either: that is
 * judged by a check of its own. @throws Failure by the SDK
 */
export async function throwIfUnreadable<T>(
  { officialSdk }: CheckContext,
  outcome: SdkOutcome<T>,
  askPlain: () => Promise<SdkOutcome<T>>,
): Promise<void> {
  if (outcome.exchange.response?.status !== 200 || outcome.value !== undefined) return;
  // The SDK itself stops reading where it throws: only the server cuts a body.
  if (outcome.exchange.response.end === "cut" || outcome.error instanceof officialSdk.OpenAI.OpenAIError) return;
  if ((await askPlain()).value !== undefined) expectSdkValue(outcome);
}

/**
 * Streamed chat past the SDK, for what the SDK hides at the end of a stream: as long as it takes, and a little more.
 */
export async function wireStream(context: CheckContext, fields: ChatFields = {}): Promise<Exchange> {
  const { exchange } = await streamChat(context, fields);
  const { chunks = [], headersAtMs = 0 } = exchange.response ?? {};
  const disconnectAfterMs = 1500 + 5 * (chunks.at(-1)?.atMs ?? headersAtMs);
  const body = JSON.stringify({ ...composeChat(context, fields), stream: true });
  return context.wire({ method: "POST", path: "/chat/completions", body, disconnectAfterMs });
}

/** A chat body of the check's own bytes that has to be refused, past the SDK. */
export async function postChat(context: CheckContext, body: string | Uint8Array): Promise<Exchange> {
  return context.wire({ method: "POST", path: "/chat/completions", body, disconnectAfterMs: context.patienceMs });
}
