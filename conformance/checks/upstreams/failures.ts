/** Checks of models that another service serves: what clients hear when that one fails, and what they must not hear. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { DONE, jsonFrames, sseFrames } from "../../src/expect-stream.ts";
import { assume, expectStatus, expectThat, isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyText, describeExchange, excerpt } from "../../src/response-body.ts";
import { askChat, streamChat } from "../support/chat-calls.ts";
import { requireError, requireStatus } from "../support/envelope.ts";
import {
  composeBreakingStream,
  expectOfBreak,
  findAddress,
  hasText,
  UPSTREAM_FAILURES,
  UPSTREAMS,
} from "../support/upstream-calls.ts";
import { OWNERS } from "../support/owners.ts";

/** The stream that breaks, as it is on the wire. @throws Inconclusive when none was opened, or it doesn't end */
async function requireBrokenStream(context: CheckContext): Promise<Exchange> {
  const exchange = await context.wire(composeBreakingStream(context));
  requireStatus(exchange, 200, OWNERS.upstreamBreaks);
  if (exchange.response?.end === "open")
    throw new Inconclusive("the stream does not end, which another check judges", OWNERS.upstreamEnds);
  return exchange;
}

export const upstreamChecks: readonly Check[] = [
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.down.status",
    needs: ["model:upstream_down"],
    requirement: "A call whose upstream can't be reached is answered with 500, 502, 503 or 504.",
    reference: "RFC 9110 section 15.6",
    breaks: "Clients take an outage for their own mistake, or read an answer that is none.",
    async run(context) {
      expectStatus(await askChat(context, { model: context.models.upstream_down }), UPSTREAM_FAILURES);
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.down.no-address",
    level: "should",
    needs: ["model:upstream_down"],
    requirement: "The error of a call whose upstream can't be reached does not say where the upstream is.",
    reference: "CWE-209 (information exposed by an error message)",
    breaks: "Anyone with a key maps the network behind the server.",
    async run(context) {
      const exchange = await askChat(context, { model: context.models.upstream_down });
      requireStatus(exchange, UPSTREAM_FAILURES, OWNERS.upstreamDown);
      const actual = findAddress(bodyText(exchange));
      expectThat(actual === undefined, { observer: "wire", expected: "no address in the body", actual });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.error.status",
    needs: ["model:upstream_error"],
    requirement: "A call whose upstream answers 500 and a web page is answered with 500, 502, 503 or 504.",
    reference: "RFC 9110 section 15.6.3",
    breaks: "Clients take a failure for an answer, or retry what can't work.",
    async run(context) {
      expectStatus(await askChat(context, { model: context.models.upstream_error }), UPSTREAM_FAILURES);
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.error.secret",
    needs: ["model:upstream_error", "fixture:upstream_secret"],
    requirement: "Nothing of what a failing upstream wrote that is secret reaches the client.",
    reference: "CWE-209; OWASP API8:2023",
    breaks: "The operator's key for the upstream, or what its error page holds, is everyone's.",
    async run(context) {
      const exchange = await askChat(context, { model: context.models.upstream_error });
      requireStatus(exchange, UPSTREAM_FAILURES, OWNERS.upstreamError);
      const all = bodyText(exchange) + JSON.stringify(exchange.response?.headers);
      const holds = !all.includes(context.fixture("upstream_secret"));
      expectThat(holds, { observer: "wire", expected: "an answer without the secret", actual: "the secret" });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.error.no-markup",
    level: "should",
    needs: ["model:upstream_error"],
    requirement: "The message of the error is written for people: it does not hold the upstream's web page.",
    reference: "OpenAPI Error.message",
    breaks: "Users read markup; the page says which product and version failed.",
    async run(context) {
      const { message } = requireError(
        await askChat(context, { model: context.models.upstream_error }),
        UPSTREAM_FAILURES,
        OWNERS.upstreamError,
      );
      const holds = !/<(?:!doctype|html|body|title|h1)\b/i.test(message);
      expectThat(holds, { observer: "schema", expected: "a message without markup", actual: excerpt(message) });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.one-shot",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "A non-streaming call whose upstream breaks off is answered with 500, 502, 503 or 504.",
    reference: "RFC 9110 section 15.6.3",
    breaks: "Half an answer is taken for a whole one.",
    async run(context) {
      expectStatus(await askChat(context, { model: context.models.upstream_breaks }), UPSTREAM_FAILURES);
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.ends",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "A stream whose upstream breaks off ends within seconds.",
    reference: "OpenAPI CreateChatCompletionRequest.stream; BerriAI/litellm#17364",
    breaks: "Clients wait for ever, with half an answer on the screen.",
    async run(context) {
      const exchange = await context.wire(composeBreakingStream(context));
      requireStatus(exchange, 200, OWNERS.upstreamBreaks);
      const holds = exchange.response?.end !== "open";
      await expectOfBreak(context, holds, {
        observer: "wire",
        expected: "the stream to end",
        actual: describeExchange(exchange),
      });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.text-kept",
    level: "should",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "What the upstream wrote before it broke off reaches the client.",
    reference: "OpenAPI CreateChatCompletionRequest.stream",
    breaks: "A buffering layer loses what the user had seen otherwise.",
    async run(context) {
      const exchange = await requireBrokenStream(context);
      const frames = assume("frames of JSON", OWNERS.upstreamFrames, () => jsonFrames(exchange));
      const holds = hasText(frames);
      await expectOfBreak(context, holds, {
        observer: "wire",
        expected: "some text",
        actual: excerpt(bodyText(exchange)),
      });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.error-event",
    level: "should",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "A stream whose upstream breaks off ends with an event that holds an `error` object.",
    reference: "openai-node core/streaming.ts (data.error throws in every version)",
    breaks: "Clients read `terminated` and nothing about the cause, or nothing at all.",
    async run(context) {
      const exchange = await requireBrokenStream(context);
      const last = assume("frames of JSON", OWNERS.upstreamFrames, () => jsonFrames(exchange)).at(-1);
      const holds = isJsonObject(last?.["error"]);
      await expectOfBreak(context, holds, {
        observer: "wire",
        expected: "an error event",
        actual: JSON.stringify(last),
      });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.no-done",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "A stream whose upstream breaks off has no `[DONE]`: that one means that the answer is whole.",
    reference: "OpenAPI CreateChatCompletionRequest.stream: terminated by data: [DONE]",
    breaks: "Clients store half an answer as a whole one.",
    async run(context) {
      const exchange = await requireBrokenStream(context);
      const holds = !sseFrames(exchange).some(({ data }) => data === DONE);
      await expectOfBreak(context, holds, {
        observer: "wire",
        expected: "no [DONE]",
        actual: excerpt(bodyText(exchange)),
      });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.breaks.sdk-throws",
    needs: ["model:upstream_breaks", "model:chat"],
    requirement: "The SDK throws where a stream breaks off whose upstream broke off.",
    reference: "openai-node core/streaming.ts",
    breaks: "Every program on the SDK takes half an answer for a whole one, and nobody notices.",
    async run(context) {
      await requireBrokenStream(context);
      const outcome = await streamChat(context, { model: context.models.upstream_breaks });
      requireStatus(outcome.exchange, 200, OWNERS.upstreamBreaks);
      const actual = `it read ${String(outcome.value)} chunks to the end`;
      await expectOfBreak(context, outcome.error !== undefined, {
        observer: "sdk",
        expected: "the SDK to throw",
        actual,
      });
    },
  }),
];
