/** Checks of models whose upstream works, and has one of the habits that servers with OpenAI's API have. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext, WireRequest } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { DONE, jsonFrames, sseFrames } from "../../src/expect-stream.ts";
import { assume, expectStatus, expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { bodyText, excerpt } from "../../src/response-body.ts";
import { askChat, composeChat } from "../support/chat-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { expectUpon } from "../support/formed-answers.ts";
import { expectOfBreak, expectSoundStream, hasText, streamPlain, UPSTREAMS } from "../support/upstream-calls.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

/** A stream that has not ended after this hangs. */
const HANG_MS = 10_000;

function composeStream(context: CheckContext, model: string | undefined, fields: JsonObject = {}): WireRequest {
  const body = JSON.stringify({ ...composeChat(context, { model, ...fields }), stream: true });
  return { method: "POST", path: "/chat/completions", body, disconnectAfterMs: HANG_MS };
}

/** @returns undefined when it is no JSON object */
function readAnswer(exchange: Exchange): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bodyText(exchange));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Failure */
function expectCompletion(exchange: Exchange): void {
  const holds = Array.isArray(readAnswer(exchange)?.["choices"]);
  expectThat(holds, { observer: "wire", expected: "a completion as JSON", actual: excerpt(bodyText(exchange)) });
}

/** That the stream's last chunk holds the usage and nothing else. @throws Failure */
function expectUsageChunk(exchange: Exchange): void {
  const last = jsonFrames(exchange).at(-1);
  const choices = last?.["choices"];
  const holds = Array.isArray(choices) && choices.length === 0 && isJsonObject(last?.["usage"]);
  expectThat(holds, { observer: "wire", expected: "no choices, and usage", actual: JSON.stringify(last) });
}

export const upstreamHabitChecks: readonly Check[] = [
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.compressed.non-streaming",
    needs: ["model:upstream_compressed"],
    requirement: "An answer that the upstream compressed unasked reaches the client readable.",
    reference: "RFC 9110 section 8.4; the upstream was paid for",
    breaks: "Clients get bytes, or an error that the SDK repeats: the upstream is paid three times for nothing.",
    async run(context) {
      const exchange = await askChat(context, { model: context.models.upstream_compressed });
      await expectUpon(
        { owners: answerOwners(exchange), hold: async () => expectCompletion(await askChat(context)) },
        () => {
          expectStatus(exchange, 200);
          expectCompletion(exchange);
        },
      );
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.compressed.stream",
    needs: ["model:upstream_compressed"],
    requirement: "A stream that the upstream compressed unasked reaches the client readable, and ends with `[DONE]`.",
    reference: "RFC 9110 section 8.4; the upstream was paid for",
    breaks: "Clients get bytes, or an error that the SDK repeats: the upstream is paid three times for nothing.",
    async run(context) {
      const exchange = await context.wire(composeStream(context, context.models.upstream_compressed));
      await expectUpon(
        { owners: answerOwners(exchange), hold: async () => expectSoundStream(await streamPlain(context)) },
        () => {
          expectStatus(exchange, 200);
          const isDone = sseFrames(exchange).some(({ data }) => data === DONE);
          const holds = isDone && hasText(jsonFrames(exchange));
          expectThat(holds, { observer: "wire", expected: "text and [DONE]", actual: excerpt(bodyText(exchange)) });
        },
      );
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.usage.own-chunk",
    level: "should",
    needs: ["model:upstream_late_usage"],
    requirement:
      "Usage that the upstream sends with the last choice reaches the client in a chunk of its own, without choices.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage",
    breaks: "Programs that read the usage from the chunk without choices count nothing.",
    async run(context) {
      const fields = { stream_options: { include_usage: true } };
      const exchange = await context.wire(composeStream(context, context.models.upstream_late_usage, fields));
      requireStatus(exchange, 200);
      assume("frames of JSON", answerOwners(exchange), () => jsonFrames(exchange));
      await expectUpon(
        {
          owners: OWNERS.streamUsageAlone,
          async hold() {
            const plain = await streamPlain(context, fields);
            expectSoundStream(plain);
            expectUsageChunk(plain);
          },
        },
        () => expectUsageChunk(exchange),
      );
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.usage.zeros",
    level: "should",
    needs: ["model:upstream_zero_usage"],
    requirement: "An upstream that reports 0 tokens doesn't count: the client is shown an estimate, or no usage.",
    reference: "OpenAPI CompletionUsage: a prompt has tokens",
    breaks: "Budgets are never used up, which goes unnoticed until the bill comes.",
    async run(context) {
      const exchange = await askChat(context, { model: context.models.upstream_zero_usage });
      requireStatus(exchange, 200);
      const usage = assume("a completion", answerOwners(exchange), () => readAnswer(exchange))?.["usage"];
      const holds = !isJsonObject(usage) || usage["prompt_tokens"] !== 0;
      expectThat(holds, { observer: "wire", expected: "some prompt tokens", actual: JSON.stringify(usage) });
    },
  }),
  defineCheck({
    ...UPSTREAMS,
    id: "upstreams.unfinished.no-done",
    needs: ["model:upstream_unfinished"],
    requirement:
      "A stream whose upstream ends without a finish reason and without `[DONE]` does not end as if it were whole.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.choices.finish_reason; openai/openai-node#1292",
    breaks: "Clients store half an answer as a whole one.",
    async run(context) {
      const exchange = await context.wire(composeStream(context, context.models.upstream_unfinished));
      requireStatus(exchange, 200);
      const frames = assume("frames of JSON", answerOwners(exchange), () => jsonFrames(exchange));
      const isDone = sseFrames(exchange).some(({ data }) => data === DONE);
      const holds = !isDone && isJsonObject(frames.at(-1)?.["error"]);
      const actual = excerpt(bodyText(exchange));
      await expectOfBreak(context, holds, { observer: "wire", expected: "an error and no [DONE]", actual, exchange });
    },
  }),
];
