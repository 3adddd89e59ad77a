/**
 * Checks that a value of a wrong type in any parameter of any request is no server error. Each check sends one type in
 * all parameters that the document gives another, for an answer and for a stream.
 */

import { operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectResponse, expectStatus, expectThat } from "../../src/expect.ts";
import { describeExchange } from "../../src/response-body.ts";
import { requireOffered } from "../support/operation-probes.ts";
import {
  type AnswerMode,
  JSON_TYPES,
  type JsonType,
  listModes,
  listParameters,
  PLAIN_REQUESTS,
  type PlainRequest,
  sendPlain,
  takesType,
} from "../support/plain-requests.ts";

const VALUES: Readonly<Record<JsonType, unknown>> = {
  string: "hot",
  number: 7,
  boolean: true,
  array: ["hot"],
  object: { hot: true },
  null: null,
};

/** Requests at once: most are refused before a model sees them. */
const CONCURRENCY = 4;

interface Sent {
  readonly parameter: string;
  readonly mode: AnswerMode;
}

async function expectNoServerError(
  context: CheckContext,
  { request, type, sent }: { request: PlainRequest; type: JsonType; sent: Sent },
): Promise<void> {
  const fields = { [sent.parameter]: VALUES[type] };
  const exchange = await sendPlain(context, request, { mode: sent.mode, fields });
  const { status } = expectResponse(exchange);
  if (status === 429) expectStatus(exchange, 200);
  const actual = `for ${JSON.stringify(fields)} in a ${sent.mode === "stream" ? "stream's " : ""}request: ${describeExchange(exchange)}`;
  expectThat(status < 500 || status === 501, { observer: "wire", expected: "an answer or a refusal with 4xx", actual });
}

function listSent(request: PlainRequest, type: JsonType): readonly Sent[] {
  const { request: schema } = operations[request.operation];
  if (schema === null) return [];
  const wrong = listParameters(schema).filter((parameter) => !takesType(schema, parameter, type));
  return wrong.flatMap((parameter) => listModes(request).map((mode) => ({ parameter, mode })));
}

function defineTypeCheck(request: PlainRequest, type: JsonType): Check {
  const { operation, slug, needs } = request;
  return defineCheck({
    id: `errors.types.${slug}.${type}`,
    area: "errors",
    level: "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `A value of the type ${type} in a parameter of ${operation} that has another type gives no 5xx.`,
    reference: `OpenAPI ${operation}; RFC 9110 section 15.5.1; openai-node client.ts shouldRetry (a 5xx is sent again)`,
    breaks: "The SDK sends the request again and again, and the caller hears of a broken server, not of the parameter.",
    async run(context) {
      await requireOffered(context, operation);
      const queue = listSent(request, type).values();
      const work = async (): Promise<void> => {
        for (const sent of queue) await expectNoServerError(context, { request, type, sent });
      };
      await Promise.all(Array.from({ length: CONCURRENCY }, work));
    },
  });
}

export const wrongTypeChecks: readonly Check[] = PLAIN_REQUESTS.flatMap((request) =>
  JSON_TYPES.filter((type) => listSent(request, type).length > 0).map((type) => defineTypeCheck(request, type)),
);
