/**
 * Checks of the paths of OpenAI's document that a server need not have: it has them, or says plainly that it has not.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectThat } from "../../src/expect.ts";
import { describeExchange } from "../../src/response-body.ts";
import { expectEnvelope, expectRefused } from "../support/envelope.ts";
import { expectUpon } from "../support/formed-answers.ts";
import { statusOwners } from "../support/owners.ts";

/** What a client of the SDK may ask any server for; a body without a field is no order for anything. */
const PATHS = [
  ["POST", "/responses"],
  ["POST", "/moderations"],
  ["POST", "/images/generations"],
  ["GET", "/files"],
  ["GET", "/batches"],
  ["GET", "/assistants"],
  ["POST", "/threads/runs"],
  ["GET", "/vector_stores"],
  ["GET", "/fine_tuning/jobs"],
  ["POST", "/realtime/client_secrets"],
] as const;

/** How a server says that it has no such operation. */
const ABSENT: readonly number[] = [404, 405, 501];

/** @throws Failure */
function expectHadOrAbsent(exchange: Exchange): void {
  const { status, headers } = expectResponse(exchange);
  if (ABSENT.includes(status)) return expectEnvelope(exchange);
  const holds = status < 500 && !/^text\/html\b/i.test(headers["content-type"] ?? "");
  const expected = "an answer of the API, or 404, 405 or 501";
  expectThat(holds, { observer: "wire", expected, actual: describeExchange(exchange) });
}

/** The message for a path that no API has is judged by other checks. @throws Failure */
async function expectUnknownRefused(context: CheckContext): Promise<void> {
  const exchange = await context.wire({ method: "GET", path: "/conformance-no-such-route" });
  expectRefused(exchange);
  expectEnvelope(exchange);
}

export const documentedPathChecks: readonly Check[] = PATHS.map(([method, path]) =>
  defineCheck({
    id: `errors.documented-path.${path.slice(1).replaceAll(/[/_]/g, "-")}`,
    area: "errors",
    level: "should",
    tier: "protocol",
    operation: null,
    needs: [],
    requirement: `\`${method} ${path}\` is answered, or refused with 404, 405 or 501 and the official error body.`,
    reference: "RFC 9110 sections 15.5.5 and 15.6.2; OpenAPI ErrorResponse; tsundereraws/aisub-translator#2",
    breaks: "Clients that probe for the endpoint before they use another one get a broken server, or a web page.",
    async run(context) {
      const exchange = await context.wire({ method, path, ...(method === "POST" ? { body: "{}" } : {}) });
      await expectUpon({ owners: statusOwners(exchange, 404), hold: () => expectUnknownRefused(context) }, () =>
        expectHadOrAbsent(exchange),
      );
    },
  }),
);
