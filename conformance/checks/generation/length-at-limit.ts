/** Checks that an answer which ends by "length" has as many tokens as it may have, whatever it is made of. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, LONG_PROMPT, readUsage, streamChat, userMessage } from "../support/chat-calls.ts";
import { askText, streamText } from "../support/completion-calls.ts";
import { composeFormat, LOT_FORM } from "../support/formed-answers.ts";
import { TRAY } from "../support/tool-calls.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

/** Some servers count the token that ends a text, and some cut half a character off. */
const FORGIVEN_TOKENS = 1;
/** A limit that every text reaches. */
const FEW_TOKENS = 3;
const WITH_USAGE: ChatFields = { stream_options: { include_usage: true } };

const REACHED = "OpenAPI CreateChatCompletionResponse.choices.finish_reason (length: the maximum number of tokens)";

interface Limited {
  readonly id: string;
  readonly area: "chat" | "completions";
  readonly what: string;
  readonly limit: number;
  readonly fields: ChatFields;
}

const ROWS: readonly Limited[] = [
  {
    id: "chat.limit.length-is-reached",
    area: "chat",
    what: "A text",
    limit: 29,
    fields: { messages: [userMessage(LONG_PROMPT)] },
  },
  {
    id: "chat.format.length-is-reached",
    area: "chat",
    what: "An answer of a schema",
    limit: 199,
    fields: composeFormat(LOT_FORM),
  },
  {
    id: "chat.tools.equal-calls",
    area: "chat",
    what: "An answer of several equal calls",
    limit: 159,
    fields: {
      tools: [TRAY.tool],
      tool_choice: "required",
      messages: [userMessage(`Call ${TRAY.name} five times now. Call it again and again, always with the same tray.`)],
    },
  },
  { id: "completions.limit.length-is-reached", area: "completions", what: "A text", limit: 29, fields: {} },
];

const MODES = [
  { suffix: "", adverb: "", stream: false },
  { suffix: "-stream", adverb: " streamed", stream: true },
] as const;

/** How an answer ended, and of how many tokens it was. */
interface Ending {
  readonly reason: unknown;
  readonly tokens: number;
}

async function send(context: CheckContext, row: Limited, stream: boolean): Promise<Exchange> {
  const fields = { ...row.fields, max_tokens: row.limit };
  if (row.area === "chat") {
    return stream ? (await streamChat(context, { ...fields, ...WITH_USAGE })).exchange : askChat(context, fields);
  }
  return stream ? (await streamText(context, { ...fields, ...WITH_USAGE })).exchange : askText(context, fields);
}

const USAGE_OWNERS = {
  chat: { body: OWNERS.chatUsage, stream: OWNERS.streamUsage },
  completions: { body: OWNERS.textUsage, stream: OWNERS.textStreamUsage },
} as const;

/** @throws Unsupported, Inconclusive */
async function requireEnding(context: CheckContext, row: Limited, stream: boolean): Promise<Ending> {
  const exchange = await send(context, row, stream);
  throwIfUnsupported(exchange, "tools", "tool_choice", "response_format", "stream", "stream_options");
  const bodies = assume("an answer", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return stream ? jsonFrames(exchange) : [expectJsonObject(exchange)];
  });
  const reasons = bodies.flatMap(listChoices).flatMap((choice) => choice["finish_reason"] ?? []);
  const counted = bodies.findLast(({ usage }) => isJsonObject(usage));
  const owners = USAGE_OWNERS[row.area][stream ? "stream" : "body"];
  return { reason: reasons.at(-1), tokens: readUsage(counted ?? {}, owners).completion_tokens };
}

function listChoices({ choices }: JsonObject): readonly JsonObject[] {
  return Array.isArray(choices) ? choices.filter(isJsonObject) : [];
}

/** Where a longer text has no more tokens than a short one, the counts say nothing. @throws Inconclusive */
async function requireCounted(context: CheckContext, stream: boolean): Promise<void> {
  const [text] = ROWS;
  if (text === undefined) return;
  const { tokens: few } = await requireEnding(context, { ...text, limit: FEW_TOKENS }, stream);
  const { tokens: more } = await requireEnding(context, text, stream);
  if (few <= 0 || few > FEW_TOKENS || more <= few)
    throw new Inconclusive("usage.completion_tokens does not count", OWNERS.chatUsageCounts);
}

export const lengthAtLimitChecks: readonly Check[] = ROWS.flatMap((row) =>
  MODES.map(({ suffix, adverb, stream }) =>
    defineCheck({
      id: `${row.id}${suffix}`,
      area: row.area,
      level: "must",
      tier: "forced",
      operation: row.area === "chat" ? "createChatCompletion" : "createCompletion",
      needs: ["model:chat"],
      requirement: `${row.what}${adverb} ends by "length" only where it has all the tokens that it may have.`,
      reference: `${REACHED}; openai-node lib/parser.ts LengthFinishReasonError`,
      breaks:
        "The SDK's `parse` throws LengthFinishReasonError and loses a whole answer; agents ask for the rest of it.",
      async run(context) {
        const { reason, tokens } = await requireEnding(context, row, stream);
        if (reason !== "length" || tokens >= row.limit - FORGIVEN_TOKENS) return;
        await requireCounted(context, stream);
        const expected = `${row.limit} tokens, or another finish_reason`;
        expectThat(false, { observer: "wire", expected, actual: `"length" after ${tokens} tokens` });
      },
    }),
  ),
);
