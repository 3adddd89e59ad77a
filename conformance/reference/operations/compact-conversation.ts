/** Compactions of the reference server: the beginning of what the user did not say is its summary. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Refusal } from "../refusal.ts";
import { answerChat, splitWords } from "./chat-answer.ts";
import { composeChat, createResponse, listTurns } from "./create-response.ts";
import { decodeJson } from "./decode-body.ts";
import { encodeItems } from "./items.ts";
import type { Answer, ReferenceOperation } from "./operation.ts";
import { sealSummary } from "./summary-seal.ts";

const SUMMARY_WORDS_MAX = 200;

export interface CompactAnswer extends Answer {
  readonly body: JsonObject & { readonly output: readonly JsonObject[] };
}

export const compactConversation: ReferenceOperation<CompactAnswer> = {
  isBilled: true,
  unknownModelStatus: 400,
  decode: decodeJson,
  validate: (request) => {
    // What was said before may be all that there is.
    const input = request["input"] ?? (typeof request["previous_response_id"] === "string" ? [] : undefined);
    return createResponse.validate({ ...request, input });
  },
  serves: () => true,
  estimate: () => SUMMARY_WORDS_MAX,
  answer(request, context): CompactAnswer | Refusal {
    const { account, number, created } = context;
    const turns = listTurns(request, account);
    if ("status" in turns) return turns;
    const items = [...turns.earlier, ...turns.referred];
    const chat = composeChat({ model: request["model"] }, items);
    const { prompt_tokens: read } = answerChat(chat, context).usage;
    const words = splitWords(`Summary: ${listTexts(chat["messages"])}`).slice(0, SUMMARY_WORDS_MAX);
    const sealed = sealSummary({ account, text: words.join("") });
    const kept = encodeItems(items, String(number)).filter(({ role }) => role === "user");
    const body = {
      id: `resp_reference_${number}`,
      object: "response.compaction",
      created_at: created,
      output: [...kept, { id: `cmp_reference_${number}`, type: "compaction", encrypted_content: sealed }],
      usage: {
        input_tokens: read,
        input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: words.length,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: read + words.length,
      },
    };
    return { request, cost: read + words.length, breaksAfter: null, body };
  },
  encode: ({ body }) => body,
};

function listTexts(messages: unknown): string {
  const others = [messages].flat().filter((message) => isJsonObject(message) && message["role"] !== "user");
  return others.map((message) => (isJsonObject(message) ? String(message["content"]) : "")).join(" ");
}
