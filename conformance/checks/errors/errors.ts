/** Checks of what an error says, and of routes that do not exist. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectErrorEnvelope, expectHeader, expectResponse, expectThat } from "../../src/expect.ts";
import { bodyText, excerpt } from "../../src/response-body.ts";
import { postChat } from "../support/chat-calls.ts";
import { expectRefused, requireNoticed, requireRefusedError } from "../support/envelope.ts";

const ERRORS = {
  area: "errors",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** Generated clients want the keys, null or not. */
function defineAllKeys(): Check {
  return defineCheck({
    ...ERRORS,
    id: "errors.envelope.all-keys",
    level: "should",
    requirement: "An error has all four keys, null where they say nothing.",
    reference: "OpenAPI Error.required: type, message, param, code",
    breaks: "Clients generated from the document read no error that lacks one of the keys.",
    async run(context) {
      const exchange = await requireNoticed(context);
      const error = requireRefusedError(exchange);
      const missing = ["message", "type", "param", "code"].filter((key) => !(key in error));
      expectThat(missing.length === 0, { observer: "schema", expected: "four keys", actual: `no ${missing.join()}` });
    },
  });
}

export const errorChecks: readonly Check[] = [
  defineAllKeys(),
  defineCheck({
    ...ERRORS,
    id: "errors.unknown-route",
    operation: null,
    needs: [],
    requirement: "An unknown route is refused with a 4xx or 501, not answered.",
    reference: "RFC 9110 section 15.5.5; tsundereraws/aisub-translator#2",
    breaks: "A web page with status 200 gives a stream with no chunk and no error.",
    async run(context) {
      const exchange = await context.wire({ method: "GET", path: "/conformance-no-such-route" });
      if (expectResponse(exchange).status !== 501) expectRefused(exchange);
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.message-not-empty",
    requirement: "The message of an error is not empty.",
    reference: "OpenAPI Error.message",
    breaks: 'The user reads "400" and nothing more.',
    async run(context) {
      const exchange = await requireNoticed(context);
      const [, message] = /"message":\s*"((?:[^"\\]|\\.)*)"/.exec(bodyText(exchange)) ?? [];
      const actual = excerpt(bodyText(exchange));
      expectThat(message === undefined || message.trim() !== "", { observer: "schema", expected: "a message", actual });
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.type-of-400",
    level: "should",
    requirement: "The refusal of a mistake has the type `invalid_request_error`.",
    reference: "OpenAPI Error.type; vllm-project/vllm#58025",
    breaks: "Clients that match the type retry, or show it as a fault of the server.",
    async run(context) {
      const exchange = await requireNoticed(context);
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { type: "invalid_request_error" });
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.content-type",
    requirement: "An error has the content type application/json.",
    reference: "openai-node client.ts makeStatusError; RFC 9110 section 8.3",
    breaks: "Clients that look at it before they parse show the raw body or nothing.",
    async run(context) {
      const exchange = await requireNoticed(context);
      expectHeader(exchange, "content-type", /^application\/json\b/i);
    },
  }),
  defineCheck({
    ...ERRORS,
    id: "errors.no-internals",
    level: "should",
    requirement: "An error shows no stack trace.",
    reference: "CWE-209 (information exposed by an error message)",
    breaks: "Attackers read paths and versions; users read noise.",
    async run(context) {
      const text = bodyText(await postChat(context, '{"model":'));
      const trace = /\bat .*[:(]\d+:\d+|Traceback \(most recent|File \\?".*\\?", line \d+/.exec(text);
      expectThat(trace === null, { observer: "wire", expected: "no stack trace", actual: excerpt(text) });
    },
  }),
];
