/**
 * Checks that what is refused is refused before a stream begins, whoever finds it: the server, the model, or the
 * upstream that a gateway asks, which has sent nothing yet.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import type { JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { composeChat, userMessage } from "../support/chat-calls.ts";
import { COUNTING } from "../support/completion-calls.ts";
import { expectEnvelope, expectRefused, isRefusal } from "../support/envelope.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { OWNERS } from "../support/owners.ts";

const QUESTION = userMessage("Say hello.");
const UNKNOWN_MODEL = { model: "conformance-no-such-model" };
const BROKEN_SCHEMA = { name: "broken", schema: { $ref: "#/$defs/none" } };

/** Mistakes that are found at different places. A server need not find any of them. */
const CHAT_MISTAKES: readonly JsonObject[] = [
  { messages: [] },
  { messages: [{ role: "conformance", content: "Say hello." }] },
  { messages: [QUESTION, { role: "tool", tool_call_id: "call_1", content: "12:00" }] },
  { temperature: 2.5 },
  { max_tokens: -1 },
  { tools: [{ type: "function", function: { name: "no spaces please" } }] },
  { tool_choice: "required" },
  { response_format: { type: "json_schema", json_schema: BROKEN_SCHEMA } },
  UNKNOWN_MODEL,
];

const TEXT_MISTAKES: readonly JsonObject[] = [
  { prompt: { text: COUNTING } },
  { temperature: 2.5 },
  { max_tokens: -1 },
  { logprobs: 77 },
  { n: 2, best_of: 1 },
  UNKNOWN_MODEL,
];

interface Row {
  readonly area: "chat" | "completions";
  readonly operation: HttpOperationId;
  readonly mistakes: readonly JsonObject[];
  readonly compose: (context: CheckContext) => JsonObject;
  /** Of mistakes that are refused at all. */
  readonly owners: Owners;
}

const ROWS: readonly Row[] = [
  {
    area: "chat",
    operation: "createChatCompletion",
    mistakes: CHAT_MISTAKES,
    compose: composeChat,
    owners: OWNERS.chatMistakes,
  },
  {
    area: "completions",
    operation: "createCompletion",
    mistakes: TEXT_MISTAKES,
    compose: ({ models }) => ({ model: models.completion ?? models.chat, prompt: COUNTING, max_tokens: 8 }),
    owners: OWNERS.textMistakes,
  },
];

function send(context: CheckContext, { operation, compose }: Row, fields: JsonObject): Promise<Exchange> {
  const { method, path } = operations[operation];
  return context.wire({ method, path, body: JSON.stringify({ ...compose(context), ...fields }) });
}

export const refusedStreamChecks: readonly Check[] = ROWS.map((row) =>
  defineCheck({
    id: `${row.area}.stream.refused-alike`,
    area: row.area,
    level: "must",
    tier: "protocol",
    operation: row.operation,
    needs: ["model:chat"],
    requirement:
      "Whatever is refused with a 4xx is refused with a 4xx and the same form of error where a stream is asked for.",
    reference: "ggml-org/llama.cpp#14566; vllm-project/vllm#21052; openai-node client.ts makeRequest",
    breaks: "Clients take the 200 for success and show an empty answer; agents never learn what to change.",
    async run(context) {
      await requireOffered(context, row.operation);
      let refused = 0;
      for (const mistake of row.mistakes) {
        const plain = await send(context, row, mistake);
        if (!isRefusal(plain.response?.status ?? 0)) continue;
        refused += 1;
        const streamed = await send(context, row, { ...mistake, stream: true });
        expectRefused(streamed);
        // Whether refusals have this body at all, others judge.
        if (hasEnvelope(plain)) expectEnvelope(streamed);
      }
      if (refused === 0) throw new Inconclusive("no mistake is refused", row.owners);
    },
  }),
);

function hasEnvelope(exchange: Exchange): boolean {
  try {
    expectEnvelope(exchange);
    return true;
  } catch {
    return false;
  }
}
