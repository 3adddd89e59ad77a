/**
 * Checks of prompts that are longer than the model reads: refused by status and code, streamed or not, never cut in
 * silence.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { readUsage, requireCompletion, userMessage } from "../support/chat-calls.ts";
import { readTextBody, requireTextBody } from "../support/completion-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";

/** More tokens than most models read, and below a mebibyte. */
const LONG_WORDS = 400_000;

/** No refusal is longer; of a stream that should not be there so much is enough. */
const REFUSAL_BYTES = 16 * 1024;

interface TooLong {
  readonly id: string;
  readonly operation: HttpOperationId;
  readonly stream: boolean;
}

const ROWS: readonly TooLong[] = [
  { id: "chat.refusal.too-long", operation: "createChatCompletion", stream: false },
  { id: "chat.refusal.too-long-stream", operation: "createChatCompletion", stream: true },
  { id: "completions.refusal.too-long-stream", operation: "createCompletion", stream: true },
];

async function sendLong(context: CheckContext, { operation, stream }: Omit<TooLong, "id">): Promise<Exchange> {
  const words = "a ".repeat(LONG_WORDS);
  const prompt = operation === "createCompletion" ? { prompt: words } : { messages: [userMessage(words)] };
  const body = JSON.stringify({ model: context.models.chat, ...prompt, max_tokens: 1, stream });
  const { method, path } = operations[operation];
  return context.wire({ method, path, body, ...(stream ? { disconnectAfterBytes: REFUSAL_BYTES } : {}) });
}

/**
 * Where the model reads as much, or the body is too large before it is a prompt, nothing can be said.
 *
 * @throws Inconclusive
 */
async function requireTooLong(context: CheckContext, exchange: Exchange, row: TooLong): Promise<void> {
  const { status } = exchange.response ?? {};
  if (status === 413) throw new Inconclusive("a body of 800 kB is too large before it is a prompt", "model");
  if (status !== 200) return;
  if (row.stream) return requireStatus(await sendLong(context, { ...row, stream: false }), 400);
  const { prompt_tokens: tokens } = readUsage(
    readTextBody(exchange),
    row.operation === "createCompletion" ? OWNERS.textUsage : OWNERS.chatUsage,
  );
  if (tokens >= LONG_WORDS) throw new Inconclusive("the model reads as much as that", "model");
}

export const tooLongChecks: readonly Check[] = ROWS.map((row) =>
  defineCheck({
    id: row.id,
    area: row.operation === "createCompletion" ? "completions" : "chat",
    level: "should",
    tier: "protocol",
    operation: row.operation,
    needs: ["model:chat"],
    requirement:
      `${row.stream ? "A stream" : "An answer"} of a prompt that is longer than the model reads is refused with 400 and ` +
      "`context_length_exceeded`" +
      (row.stream ? ", before any event." : "."),
    reference: "OpenAI error codes: 400, maximum context length; openai-python BadRequestError.code",
    breaks: "LangChain and agents shorten the history on this code; a prompt cut in silence loses its instructions.",
    async run(context) {
      await (row.operation === "createCompletion" ? requireTextBody(context) : requireCompletion(context));
      const exchange = await sendLong(context, row);
      await requireTooLong(context, exchange, row);
      expectErrorEnvelope(exchange, { status: 400, code: "context_length_exceeded" });
    },
  }),
);
