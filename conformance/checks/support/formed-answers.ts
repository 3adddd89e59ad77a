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
import type { Owners } from "../../src/owners.ts";
import { answerOwners, OWNERS } from "./owners.ts";

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
  const choice = readChoice(assume("a chat completion", answerOwners(exchange), () => expectJsonObject(exchange)));
  requireUncut(choice);
  return readText(choice);
}

/** The first choice of a request for structured output, cut or not. @throws Unsupported, Inconclusive */
export async function requireFormedChoice(context: CheckContext, fields: ChatFields): Promise<JsonObject> {
  const exchange = await askChat(context, fields);
  throwIfUnsupported(exchange, "response_format");
  return assume("an answer in this format", answerOwners(exchange), () => {
    expectThat(exchange.response?.status === 200, {
      observer: "wire",
      expected: "status 200",
      actual: String(exchange.response?.status),
    });
    return readChoice(expectJsonObject(exchange));
  });
}

/** That the answer conforms to a strict schema at all. */
export function lotBasis(context: CheckContext): Basis {
  return {
    owners: OWNERS.schemaFits,
    async hold() {
      expectFits(expectJsonText(await expectFormed(context, composeFormat(LOT_FORM))), LOT_FORM);
    },
  };
}

/** What an expectation builds on, and the checks that judge it. */
export interface Basis {
  readonly owners: Owners;
  /** @throws Failure where it does not hold. */
  readonly hold: () => Promise<void>;
}

/**
 * Runs an expectation; where it fails, and what it builds on does as well, that one is to blame. @throws Failure,
 * Inconclusive
 */
export async function expectUpon(basis: Basis, expectation: () => void): Promise<void> {
  try {
    expectation();
  } catch (thrown) {
    if (thrown instanceof Failure) await requireBasis(basis);
    throw thrown;
  }
}

async function requireBasis({ owners, hold }: Basis): Promise<void> {
  try {
    await hold();
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Inconclusive(`this builds on what other checks judge: ${thrown.message}`, owners);
  }
}

export function readText({ message }: JsonObject): string {
  const { content } = isJsonObject(message) ? message : {};
  if (typeof content === "string") return content;
  throw new Inconclusive("message.content is no string, which other checks judge", OWNERS.chatContent);
}

/** The text of a streamed answer that is whole. @throws Unsupported, Inconclusive */
export async function requireStreamedText(context: CheckContext, fields: ChatFields): Promise<string> {
  const outcome = await streamChat(context, fields);
  throwIfUnsupported(outcome.exchange, "response_format");
  requireSuccess(outcome, answerOwners(outcome.exchange));
  const chunks = chatChunks(outcome.exchange, OWNERS.streamRead);
  for (const choice of chunks.flatMap(({ choices }) => choices)) {
    requireUncut(choice);
    if (typeof (choice.delta["content"] ?? "") !== "string")
      throw new Inconclusive("delta.content is no string", OWNERS.streamContent);
    if (choice["index"] !== 0)
      throw new Inconclusive("the only choice has not the index 0 everywhere", OWNERS.streamIndex);
  }
  return streamedText(chunks);
}
