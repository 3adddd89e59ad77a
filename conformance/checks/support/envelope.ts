/** Refusals as checks provoke and judge them: which status, and whose envelope. */

import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import {
  assume,
  expectErrorEnvelope,
  expectResponse,
  expectShape,
  expectStatus,
  type ErrorObject,
} from "../../src/expect.ts";
import { z } from "zod";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { describeExchange } from "../../src/response-body.ts";
import { askChat, type ChatFields, streamChat, userMessage } from "./chat-calls.ts";
import type { Owners } from "../../src/owners.ts";
import { OWNERS, statusOwners } from "./owners.ts";

/** What clients read of an error. That `param` and `code` are there as null where they say nothing is another check's. */
export const envelopeSchema = z.looseObject({
  error: z.looseObject({
    message: z.string(),
    type: z.string(),
    param: z.string().nullish(),
    code: z.string().nullish(),
  }),
});

/** The body of a refusal, whatever its status. @throws Failure by the schema, listing every issue */
export function expectEnvelope(exchange: Exchange): void {
  expectShape(exchange, envelopeSchema);
}

const BAD_REQUEST = 400;
/** A 4xx that says nothing about the request: openai-node sends it again (`client.ts shouldRetry`). */
const RETRIED_STATUSES: readonly number[] = [408, 409, 429];

/** This status, which other checks own: those of the operation unless others are named. @throws Inconclusive */
export function requireStatus(
  exchange: Exchange,
  status: number | readonly number[],
  owners: Owners = statusOwners(exchange, status),
): void {
  assume(`status ${[status].flat().join(" or ")}`, owners, () => expectStatus(exchange, status));
}

/** The error of a refusal with this status, both of which other checks own. @throws Inconclusive */
export function requireError(
  exchange: Exchange,
  status: number | readonly number[],
  owners: Owners = statusOwners(exchange, status),
): ErrorObject {
  requireStatus(exchange, status, owners);
  return assume("an enveloped refusal", owners.merge(OWNERS.envelope), () => expectErrorEnvelope(exchange));
}

/** Any 4xx with an envelope, whose exact status another check owns. @throws Inconclusive */
export function requireRefusedError(
  exchange: Exchange,
  owners: Owners = statusOwners(exchange, BAD_REQUEST),
): ErrorObject {
  requireRefusal(exchange, owners);
  return assume("an enveloped refusal", owners.merge(OWNERS.envelope), () => expectErrorEnvelope(exchange));
}

/** Any 4xx, whose exact status another check owns. @throws Inconclusive */
export function requireRefusal(exchange: Exchange, owners: Owners = statusOwners(exchange, BAD_REQUEST)): void {
  assume("a refusal with 4xx", owners, () => expectRefused(exchange));
}

/**
 * A 4xx that no client sends again. Which one is another check's matter: the SDK has a class for each, and what frameworks
 * answer to a wrong field is 422 as often as 400. @throws Failure, Inconclusive for a rate limit
 */
export function expectRefused(exchange: Exchange): void {
  const { status } = expectResponse(exchange);
  if (isRefusal(status)) return;
  if (status === 429) expectStatus(exchange, 400);
  throw new Failure({
    observer: "wire",
    expected: "a refusal with a 4xx that is not sent again",
    actual: describeExchange(exchange),
    exchange,
  });
}

export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && !RETRIED_STATUSES.includes(status);
}

/** Mistakes of a chat request, those first that nearly every server notices. */
const MISTAKES: readonly ChatFields[] = [
  { messages: [] },
  { messages: undefined },
  { messages: "Say hello." },
  { messages: [{ ...userMessage("Say hello."), role: 42 }] },
];

/**
 * The refusal of a mistake that this server does notice, non-streaming or of a stream.
 *
 * @throws Inconclusive where it notices none, which `chat.refusal.missing-messages` judges
 */
export async function requireNoticed(context: CheckContext, { isStreamed = false } = {}): Promise<Exchange> {
  const { fields, exchange } = await requireMistake(context);
  return isStreamed ? (await streamChat(context, fields)).exchange : exchange;
}

async function requireMistake(context: CheckContext): Promise<{ fields: ChatFields; exchange: Exchange }> {
  for (const fields of MISTAKES) {
    const exchange = await askChat(context, fields);
    if (isRefusal(expectResponse(exchange).status)) return { fields, exchange };
  }
  throw new Inconclusive(
    "no mistake in a request is refused, which chat.refusal.missing-messages judges",
    OWNERS.chatMistakes,
  );
}
