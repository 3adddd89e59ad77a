/**
 * Checks of streams whose options do not ask for the usage: none of them has the chunk without a choice, or counts
 * nothing.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { type ChatFields, streamChat } from "../support/chat-calls.ts";
import { streamText } from "../support/completion-calls.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const OPERATIONS = [
  { area: "chat", operation: "createChatCompletion", stream: streamChat },
  { area: "completions", operation: "createCompletion", stream: streamText },
] as const;

const OPTIONS = [
  { slug: "empty-options", options: {}, what: "`stream_options: {}`" },
  { slug: "false", options: { include_usage: false }, what: "`include_usage: false`" },
] as const;

type Stream = (typeof OPERATIONS)[number]["stream"];

/** The first event without a choice; undefined when each has one. @throws Unsupported, Inconclusive */
async function findEmpty(context: CheckContext, stream: Stream, fields: ChatFields): Promise<JsonObject | undefined> {
  const events = await requireEvents(context, stream, fields);
  return events.find(({ choices }) => Array.isArray(choices) && choices.length === 0);
}

/** @throws Unsupported, Inconclusive */
async function requireEvents(
  context: CheckContext,
  stream: Stream,
  fields: ChatFields,
): Promise<readonly JsonObject[]> {
  const { exchange } = await stream(context, fields);
  throwIfUnsupported(exchange, "stream", "stream_options");
  return assume("a stream of JSON", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return jsonFrames(exchange);
  });
}

/** No prompt has 0 tokens: what a server writes that has not counted yet. */
function countsNothing({ usage }: JsonObject): boolean {
  return isJsonObject(usage) && usage["prompt_tokens"] === 0;
}

const zeroChecks: readonly Check[] = OPERATIONS.map(({ area, operation, stream }) =>
  defineCheck({
    id: `${area}.stream.usage-zeros`,
    area,
    level: "should",
    tier: "protocol",
    operation,
    needs: ["model:chat"],
    requirement: "No event of a stream that did not ask for its usage has a `usage` of zeros.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.usage: only present with include_usage; CompletionUsage",
    breaks: "Programs that read the first usage that comes count nothing, as behind some versions of LiteLLM.",
    async run(context) {
      const zeros = (await requireEvents(context, stream, {})).find(countsNothing);
      const actual = JSON.stringify(zeros);
      expectThat(zeros === undefined, { observer: "wire", expected: "no usage, null, or what was used", actual });
    },
  }),
);

const emptyChecks: readonly Check[] = OPERATIONS.flatMap(({ area, operation, stream }) =>
  OPTIONS.map(({ slug, options, what }) =>
    defineCheck({
      id: `${area}.stream.usage-${slug}`,
      area,
      level: "must",
      tier: "protocol",
      operation,
      needs: ["model:chat"],
      requirement: `With ${what} no chunk of a stream has an empty \`choices\`, for the usage was not asked for.`,
      reference: "OpenAPI ChatCompletionStreamOptions.include_usage (default false)",
      breaks: "`chunk.choices[0]` raises IndexError in programs whose HTTP layer always writes the options out.",
      async run(context) {
        const empty = await findEmpty(context, stream, { stream_options: options });
        if (empty !== undefined && (await findEmpty(context, stream, {})) !== undefined) {
          throw new Inconclusive(
            "a stream without any options has such a chunk too, which another check judges",
            OWNERS.streamPlain,
          );
        }
        const actual = JSON.stringify(empty);
        expectThat(empty === undefined, { observer: "wire", expected: "a choice in every chunk", actual });
      },
    }),
  ),
);

export const streamUsageChecks: readonly Check[] = [...emptyChecks, ...zeroChecks];
