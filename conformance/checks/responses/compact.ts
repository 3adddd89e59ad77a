/** Checks of compaction: what stays of a conversation, that nobody can read the rest, and that a model does. */

import { compactedResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectShape, expectStatus, expectThat, type JsonObject } from "../../src/expect.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import {
  ANSWER_TEXT,
  CONVERSATION,
  USER_TEXTS,
  askCompaction,
  readCompaction,
  requireCompaction,
  throwIfAbsent,
} from "../support/compactions.ts";
import { expectRefused, requireError } from "../support/envelope.ts";
import {
  askResponse,
  RESPONSES,
  requireInputTokens,
  requireResponse,
  type ResponseFields,
} from "../support/response-calls.ts";
import { OTHER_ACCOUNT } from "../support/stored-calls.ts";

const COMPACTED = {
  ...RESPONSES,
  operation: "Compactconversation",
  needs: ["model:chat"],
  reference: "OpenAPI Compactconversation, CompactResource",
} as const;

const NEXT = { role: "user", content: SHORT_PROMPT } as const;
/** Fewer tokens than any tokenizer makes of a sentence. */
const LEAST_TOKENS = 3;

async function readTokens(context: CheckContext, input: readonly object[]): Promise<number> {
  return requireInputTokens(await requireResponse(context, { input, store: false }));
}

function textOf({ content }: JsonObject): string {
  const parts: readonly unknown[] = [content].flat();
  return parts.map((part) => (typeof part === "string" ? part : String(Reflect.get(Object(part), "text")))).join("");
}

/** As it is, and as what base64 may hide. */
function readings(sealed: string): string {
  return [sealed, Buffer.from(sealed, "base64").toString("latin1"), Buffer.from(sealed, "base64url").toString("latin1")]
    .join("\n")
    .toLowerCase();
}

async function expectUnreadable(context: CheckContext, sealed: string, credential?: typeof OTHER_ACCOUNT) {
  const input = [{ type: "compaction", encrypted_content: sealed }, NEXT];
  const body = JSON.stringify({ model: context.models.chat, input, max_output_tokens: 16, store: false });
  const request = { method: "POST", path: "/responses", body } as const;
  expectRefused(await context.wire(credential === undefined ? request : { ...request, credential }));
}

async function expectBodyRefused(context: CheckContext, fields: ResponseFields): Promise<void> {
  await requireCompaction(context);
  expectRefused(await askCompaction(context, fields));
}

export const compactionChecks: readonly Check[] = [
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.answers",
    requirement:
      "A conversation is answered with `response.compaction`: items, the last of them a compaction, and usage.",
    breaks: "Agents whose context is full can't go on.",
    async run(context) {
      const exchange = await askCompaction(context);
      expectStatus(exchange, 200);
      expectShape(exchange, compactedResponseSchema);
      const { output, usage } = readCompaction(exchange);
      const types = output.map(({ type }) => type);
      expectThat(types.indexOf("compaction") === types.length - 1, {
        observer: "wire",
        expected: "one compaction, as the last item",
        actual: types.join(),
      });
      const [read, written, total] = ["input_tokens", "output_tokens", "total_tokens"].map((name) =>
        Number(usage[name]),
      );
      expectThat(Number(read) > 0 && Number(written) > 0 && total === Number(read) + Number(written), {
        observer: "wire",
        expected: "tokens that were read and written, and their sum",
        actual: `${read} + ${written} = ${total}`,
      });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.shape",
    needs: [...COMPACTED.needs, "sdk:compact"],
    requirement: "The SDK's `responses.compact` gets a compaction.",
    breaks: "openai-agents' sessions, which compact by it, lose their history.",
    async run(context) {
      const request = { model: String(context.models.chat), input: USER_TEXTS[0] };
      const { exchange } = await context.sdk((client) => client.responses.compact(request));
      throwIfAbsent(exchange);
      expectStatus(exchange, 200);
      expectShape(exchange, compactedResponseSchema);
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.user-messages",
    requirement: "All messages of the user stay, in their order and words, before the compaction; nothing else does.",
    reference: "OpenAPI CompactResource.output",
    breaks: "The model no longer knows what it was asked for.",
    async run(context) {
      const { output } = await requireCompaction(context);
      const messages = output.filter(({ type }) => type === "message");
      const actual = messages.map((message) => `${String(message["role"])}: ${textOf(message)}`).join(" | ");
      const expected = USER_TEXTS.map((text) => `user: ${text}`).join(" | ");
      expectThat(actual === expected && output.length === messages.length + 1, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.opaque",
    requirement: "The content of a compaction is encrypted.",
    reference: "OpenAPI CompactionBody.encrypted_content",
    breaks: "Whoever finds a stored session reads what was said in it.",
    async run(context) {
      const { item } = await requireCompaction(context);
      const text = readings(item.encrypted_content);
      const found = ["marlinspike", "quillhaven"].filter((word) => text.includes(word));
      expectThat(found.length === 0, { observer: "wire", expected: "no word of it", actual: found.join() });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.goes-on",
    requirement: "What a compaction was answered with is the input of the next response, whose model reads all of it.",
    breaks: "The conversation goes on, and its model has forgotten everything.",
    async run(context) {
      const { output, item } = await requireCompaction(context);
      const others = output.filter((other) => other !== item);
      const exchange = await askResponse(context, { input: [...output, NEXT], store: false });
      if (exchange.response?.status !== 200) await requireResponse(context, { input: [...others, NEXT], store: false });
      expectStatus(exchange, 200);
      const [without, whole] = [
        await readTokens(context, [...others, NEXT]),
        await readTokens(context, [...output, NEXT]),
      ];
      expectThat(whole - without >= LEAST_TOKENS, {
        observer: "wire",
        expected: `${LEAST_TOKENS} input tokens more than without the compaction`,
        actual: `${whole} with it, ${without} without`,
      });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.previous",
    requirement: "What was said before `previous_response_id` is compacted too.",
    reference: "OpenAPI CompactResponseMethodPublicBody.previous_response_id",
    breaks: "openai-agents compacts an empty conversation.",
    async run(context) {
      await requireCompaction(context);
      const { id } = await requireResponse(context, { input: CONVERSATION });
      const { output } = readCompaction(await askCompaction(context, { input: undefined, previous_response_id: id }));
      const actual = output.filter(({ type }) => type === "message").map(textOf);
      expectThat(actual.join() === USER_TEXTS.join(), {
        observer: "wire",
        expected: USER_TEXTS.join(),
        actual: actual.join(),
      });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.again",
    requirement: "A conversation with a compaction in it is compacted again.",
    breaks: "The second time that its context is full, an agent stops for good.",
    async run(context) {
      const { item } = await requireCompaction(context);
      const exchange = await askCompaction(context, { input: [item, NEXT] });
      expectStatus(exchange, 200);
      const types = readCompaction(exchange).output.map(({ type }) => String(type));
      const actual = types.toSorted().join();
      const expected = "compaction,message";
      expectThat(actual === expected, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.input-read",
    requirement: "The whole conversation is read: more was said, more input tokens are counted.",
    reference: "OpenAPI CompactResource.usage",
    breaks: "Answers and results of tools are missing in the summary.",
    async run(context) {
      const { usage } = await requireCompaction(context);
      const short = readCompaction(await askCompaction(context, { input: "Go on." }));
      const [all, little] = [Number(usage["input_tokens"]), Number(short.usage["input_tokens"])];
      const least = ANSWER_TEXT.split(" ").length;
      expectThat(all - little >= least, {
        observer: "wire",
        expected: `${least} input tokens more than for two words`,
        actual: `${all} and ${little}`,
      });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.other-account",
    needs: [...COMPACTED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "Nobody has a model read a compaction of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Whoever gets hold of a compaction asks a model what it says.",
    async run(context) {
      const { item } = await requireCompaction(context);
      await expectUnreadable(context, item.encrypted_content, OTHER_ACCOUNT);
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.tampered",
    requirement: "A compaction that was changed is refused.",
    reference: "OpenAPI CompactionBody.encrypted_content",
    breaks: "A damaged session goes on with an empty memory, and nobody notices.",
    async run(context) {
      const { encrypted_content: sealed } = (await requireCompaction(context)).item;
      const at = Math.floor(sealed.length / 2);
      await expectUnreadable(context, `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`);
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.no-credit",
    needs: [...COMPACTED.needs, "key:no_credit"],
    requirement: "An account without credits gets no compaction.",
    reference: "OpenAI error codes, insufficient_quota",
    breaks: "The most costly call of a conversation is free.",
    async run(context) {
      await requireCompaction(context);
      const exchange = await askCompaction(context, {}, "no_credit");
      expectStatus(exchange, 429);
      const { code } = requireError(exchange, 429);
      expectThat(code === "insufficient_quota", {
        observer: "schema",
        expected: "insufficient_quota",
        actual: String(code),
      });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.refuses-model",
    requirement: "A request without a model is refused.",
    reference: "OpenAPI CompactResponseMethodPublicBody.model",
    breaks: "Some model, of some price, is taken.",
    async run(context) {
      await expectBodyRefused(context, { model: undefined });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.refuses-type",
    requirement: "An input that is no text and no list is refused.",
    reference: "OpenAPI CompactResponseMethodPublicBody.input",
    breaks: "A damaged conversation is replaced by a summary of nothing.",
    async run(context) {
      await expectBodyRefused(context, { input: 5 });
    },
  }),
  defineCheck({
    ...COMPACTED,
    id: "responses.compact.unknown-previous",
    requirement: "A `previous_response_id` that is not known is refused.",
    reference: "OpenAPI CompactResponseMethodPublicBody.previous_response_id",
    breaks: "A summary of nothing replaces the conversation.",
    async run(context) {
      await expectBodyRefused(context, { input: SHORT_PROMPT, previous_response_id: "resp_conformance_unknown" });
    },
  }),
];
