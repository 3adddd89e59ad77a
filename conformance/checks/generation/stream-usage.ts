/** Checks of streams whose options do not ask for the usage: none of them has the chunk without a choice. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import { assume, expectStatus, expectThat, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
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
  const { exchange } = await stream(context, fields);
  throwIfUnsupported(exchange, "stream", "stream_options");
  const events = assume("a stream of JSON", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return jsonFrames(exchange);
  });
  return events.find(({ choices }) => Array.isArray(choices) && choices.length === 0);
}

export const streamUsageChecks: readonly Check[] = OPERATIONS.flatMap(({ area, operation, stream }) =>
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
