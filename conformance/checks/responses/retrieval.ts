/** Checks of responses that are read again and cancelled by their id: by the account that made them, and no other. */

import { responseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import {
  expectErrorEnvelope,
  expectJsonObject,
  expectShape,
  expectStatus,
  expectThat,
  requireSuccess,
} from "../../src/expect.ts";
import type { JsonObject } from "../../src/json-object.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { expectRefused } from "../support/envelope.ts";
import {
  readOutputText,
  requireEnd,
  requireKept,
  requireResponse,
  requireResponseEvents,
  RESPONSES,
} from "../support/response-calls.ts";
import { askAsOther, OTHER_ACCOUNT } from "../support/stored-calls.ts";
import { OWNERS } from "../support/owners.ts";

const RETRIEVED = {
  ...RESPONSES,
  operation: "getResponse",
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI getResponse; openai-node resources/responses/responses.ts",
} as const;

const CANCELLED = { ...RETRIEVED, operation: "cancelResponse", reference: "OpenAPI cancelResponse" } as const;

const UNKNOWN_ID = "resp_conformance_unknown";

/** Through the SDK. */
async function retrieve(context: CheckContext, { id }: JsonObject): Promise<Exchange> {
  return (await context.sdk((client) => client.responses.retrieve(String(id)), { isRefusable: true })).exchange;
}

/** The same id and text. */
function expectSame(made: JsonObject, exchange: Exchange): void {
  expectStatus(exchange, 200);
  const found = expectJsonObject(exchange);
  if (readOutputText(made) === "" && readOutputText(found) !== "") {
    throw new Inconclusive("the answer lacks its text", OWNERS.responseText);
  }
  const [expected, actual] = [made, found].map((one) =>
    JSON.stringify([one["id"], one["status"], readOutputText(one)]),
  );
  expectThat(expected === actual, { observer: "wire", expected: String(expected), actual });
}

export const responseRetrievalChecks: readonly Check[] = [
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.same",
    requirement: "A response is retrievable by its id, with the status and the text that were answered.",
    breaks: "Programs that read a response back later get an error, or another text than their user has seen.",
    async run(context) {
      await requireKept(context);
      const made = await requireResponse(context);
      expectSame(made, await retrieve(context, made));
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.shape",
    requirement: "A retrieved response has every field of one, as its first answer.",
    breaks: "Typed clients throw on a response that they read again.",
    async run(context) {
      await requireKept(context);
      const exchange = await retrieve(context, await requireResponse(context));
      expectStatus(exchange, 200);
      expectShape(exchange, responseSchema);
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.streamed",
    requirement: "A response that was streamed is retrievable as its last event had it.",
    breaks: "What was streamed is missing from a program's history, or half of it is.",
    async run(context) {
      await requireKept(context);
      const { response } = requireEnd(await requireResponseEvents(context));
      expectSame(response, await retrieve(context, response));
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.include",
    level: "should",
    requirement: "`include[]` in the query, as the SDK writes a list, is accepted.",
    reference: "OpenAPI getResponse.include; openai-node internal/utils/query.ts",
    breaks: "Programs that ask for encrypted reasoning or log probabilities can't read their responses again.",
    async run(context) {
      await requireKept(context);
      const { id } = await requireResponse(context);
      const { exchange } = await context.sdk((client) =>
        client.responses.retrieve(String(id), { include: ["message.output_text.logprobs"] }),
      );
      expectStatus(exchange, 200);
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.unknown-404",
    requirement: "An id that no response has is answered with 404 and the official error body.",
    breaks: "The SDK throws no NotFoundError, so that a program can't tell a deleted response from a broken server.",
    async run(context) {
      await requireKept(context);
      const exchange = await retrieve(context, { id: UNKNOWN_ID });
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.not-stored",
    requirement: "A response with `store: false` is not retrievable.",
    reference: "OpenAPI CreateResponse.store",
    breaks: "What the caller asked not to be kept is kept.",
    async run(context) {
      await requireKept(context);
      expectStatus(await retrieve(context, await requireResponse(context, { store: false })), 404);
    },
  }),
  defineCheck({
    ...RETRIEVED,
    id: "responses.get.other-account",
    needs: [...RETRIEVED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "A response is not found with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Everybody who guesses or sees an id reads other people's conversations.",
    async run(context) {
      await requireKept(context);
      const { id } = await requireResponse(context);
      expectStatus(await askAsOther(context, (client) => client.responses.retrieve(String(id))), 404);
    },
  }),
  defineCheck({
    ...CANCELLED,
    id: "responses.cancel.not-background",
    requirement: "Cancelling a response that was not made with `background: true` is refused with 400.",
    breaks: "A program believes that it has stopped, and saved, what was answered and paid for.",
    async run(context) {
      await requireKept(context);
      const { id } = await requireResponse(context);
      const { exchange } = await context.sdk((client) => client.responses.cancel(String(id)), { isRefusable: true });
      expectRefused(exchange);
      expectStatus(exchange, 400);
    },
  }),
  defineCheck({
    ...CANCELLED,
    id: "responses.cancel.unknown-404",
    requirement: "Cancelling an id that no response has is answered with 404 and the official error body.",
    breaks: "A program can't tell that there is nothing left to cancel.",
    async run(context) {
      await requireKept(context);
      const { exchange } = await context.sdk((client) => client.responses.cancel(UNKNOWN_ID), { isRefusable: true });
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...CANCELLED,
    id: "responses.cancel.other-account",
    needs: [...CANCELLED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "A response can't be cancelled, nor seen to be there, with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Anybody learns which ids are real, and stops what others have begun.",
    async run(context) {
      await requireKept(context);
      const { id } = await requireResponse(context);
      requireSuccess(await context.sdk((client) => client.responses.retrieve(String(id))), OWNERS.responseKept);
      expectStatus(await askAsOther(context, (client) => client.responses.cancel(String(id))), 404);
    },
  }),
];
