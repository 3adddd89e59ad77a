/** Structured output: how `response_format` asks for it, and its text once it is complete. */

import { z } from "zod";
import type { CheckContext } from "../../src/check-context.ts";
import { chatChunks, streamedText } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectThat,
  isJsonObject,
  type JsonObject,
  requireSuccess,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, expectAccepted, readChoice, streamChat } from "./chat-calls.ts";
import { closedObject, expectFits, expectJsonText, type Form, LOTS, requireUncut } from "./forms.ts";

/** Enough for any output format here, however many tokens the target makes of it. */
const FORM_TOKENS = 200;

export const LOT_FORM: Form = {
  schema: closedObject({ lot: { type: "string", enum: LOTS }, sealed: { type: "boolean" } }),
  shape: z.strictObject({ lot: z.enum(LOTS), sealed: z.boolean() }),
};

/** A request for this output format; the prompt is about the sea. */
export function composeFormat({ schema }: Form, fields: ChatFields = {}): ChatFields {
  const format = { type: "json_schema", json_schema: { name: "lot", strict: true, schema } };
  return { response_format: format, max_tokens: FORM_TOKENS, ...fields };
}

/** The text of a request that is answered or canonically refused. @throws Failure, Unsupported, Inconclusive */
export async function expectFormed(context: CheckContext, fields: ChatFields): Promise<string> {
  const exchange = await askChat(context, fields);
  throwIfUnsupported(exchange, "response_format");
  await expectAccepted(context, exchange);
  const choice = readChoice(assume("a chat completion", () => expectJsonObject(exchange)));
  requireUncut(choice);
  return readText(choice);
}

/** The first choice of a request for structured output, cut or not. @throws Unsupported, Inconclusive */
export async function requireFormedChoice(context: CheckContext, fields: ChatFields): Promise<JsonObject> {
  const exchange = await askChat(context, fields);
  throwIfUnsupported(exchange, "response_format");
  return assume("an answer in this format", () => {
    expectThat(exchange.response?.status === 200, {
      observer: "wire",
      expected: "status 200",
      actual: String(exchange.response?.status),
    });
    return readChoice(expectJsonObject(exchange));
  });
}

/** That the answer conforms to a strict schema at all. @throws Failure, Unsupported, Inconclusive */
export async function expectLot(context: CheckContext): Promise<void> {
  expectFits(expectJsonText(await expectFormed(context, composeFormat(LOT_FORM))), LOT_FORM);
}

/**
 * Runs an expectation; where it fails, and what it builds on does as well, that one is to blame. @throws Failure,
 * Inconclusive
 */
export async function expectUpon(basis: () => Promise<void>, expectation: () => void): Promise<void> {
  try {
    expectation();
  } catch (thrown) {
    if (thrown instanceof Failure) await requireBasis(basis);
    throw thrown;
  }
}

async function requireBasis(basis: () => Promise<void>): Promise<void> {
  try {
    await basis();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Inconclusive(`this builds on what other checks judge: ${thrown.message}`);
  }
}

export function readText({ message }: JsonObject): string {
  const { content } = isJsonObject(message) ? message : {};
  if (typeof content === "string") return content;
  throw new Inconclusive("message.content is no string, which other checks judge");
}

/** The text of a streamed answer that is whole. @throws Unsupported, Inconclusive */
export async function requireStreamedText(context: CheckContext, fields: ChatFields): Promise<string> {
  const outcome = await streamChat(context, fields);
  throwIfUnsupported(outcome.exchange, "response_format");
  requireSuccess(outcome);
  const chunks = chatChunks(outcome.exchange);
  for (const choice of chunks.flatMap(({ choices }) => choices)) {
    requireUncut(choice);
    if (typeof (choice.delta["content"] ?? "") !== "string") throw new Inconclusive("delta.content is no string");
    if (choice["index"] !== 0) throw new Inconclusive("the only choice has not the index 0 everywhere");
  }
  return streamedText(chunks);
}
