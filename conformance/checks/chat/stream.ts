/** Checks of the chunks of a streamed chat completion: what each one holds and how they follow each other. */

import { createChatCompletionStreamResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import { type ChatChunkChoice, jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectHeader,
  expectStatus,
  expectThat,
  requireSuccess,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { expectAccepted, requireChunks, streamChat } from "../support/chat-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { FINISH_REASONS, isUnixSeconds } from "../support/values.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const STREAM = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** The choices of all chunks in the order sent. */
async function requireChoices(context: Parameters<Check["run"]>[0]): Promise<readonly ChatChunkChoice[]> {
  return (await requireChunks(context)).flatMap((chunk) => chunk.choices);
}

/** A check that one field of every chunk has a property, judged over all its values. */
function defineFieldInvariant(
  check: Pick<Check, "id" | "requirement" | "reference" | "breaks"> & {
    level?: Check["level"];
    field: string;
    /** Chunks with this field are left out. */
    exempt?: string;
    holds: (values: readonly unknown[]) => boolean;
  },
): Check {
  const { field, exempt = "", holds, ...rest } = check;
  return defineCheck({
    ...STREAM,
    ...rest,
    async run(context) {
      const chunks = (await requireChunks(context)).filter((chunk) => !(exempt in chunk));
      const values = chunks.map((chunk) => chunk[field]);
      const actual = JSON.stringify([...new Set(values)]);
      expectThat(holds(values), { observer: "schema", expected: `each ${field} as the requirement says`, actual });
    },
  });
}

function isConstant(values: readonly unknown[]): boolean {
  return new Set(values).size === 1;
}

const OWNED_BY_OTHER_CHECKS =
  /^(id|object|created|model|choices|usage(\.(prompt|completion|total)_tokens)?|choices\[\d+\](\.(index|finish_reason|delta(\.(role|content))?))?)$/;

export const chatStreamChecks: readonly Check[] = [
  defineCheck({
    ...STREAM,
    id: "chat.stream.content-type",
    requirement: "A streamed answer has status 200 and the content type text/event-stream.",
    reference: "HTML Living Standard, server-sent events; ollama/ollama#8991",
    breaks: "Browsers' EventSource, proxies that buffer anything else, and the Vercel AI SDK.",
    async run(context) {
      const { exchange } = await streamChat(context);
      throwIfUnsupported(exchange, "stream");
      await expectAccepted(context, exchange);
      expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.sdk-sees-chunks",
    requirement: "The SDK's plain iteration over a stream yields chunks.",
    reference: "openai-node core/streaming.ts; microsoft/foundry-dev-tools#195",
    breaks: "openai-node and openai-python end with no chunk and no error when a JSON body comes instead of a stream.",
    async run(context) {
      const outcome = await streamChat(context);
      assume("the stream is opened", answerOwners(outcome.exchange), () => expectStatus(outcome.exchange, 200));
      const chunks = requireSuccess(outcome, answerOwners(outcome.exchange));
      expectThat(chunks > 0, { observer: "sdk", expected: "chunks", actual: "none" });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.choices-array",
    requirement: "`choices` is an array in every chunk, the usage chunk included.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.choices; ROCm/ATOM#1711",
    breaks: 'openai-node and openai-python helpers: "chunk.choices is not iterable".',
    async run(context) {
      const outcome = await streamChat(context, { stream_options: { include_usage: true } });
      requireSuccess(outcome, answerOwners(outcome.exchange));
      for (const chunk of assume("frames of JSON", OWNERS.streamRead, () => jsonFrames(outcome.exchange))) {
        const actual = JSON.stringify(chunk);
        expectThat(Array.isArray(chunk["choices"]), { observer: "schema", expected: "an array of choices", actual });
      }
    },
  }),
  defineFieldInvariant({
    id: "chat.stream.object",
    requirement: '`object` of every chunk is "chat.completion.chunk".',
    reference: "OpenAPI CreateChatCompletionStreamResponse.object",
    breaks: "Clients and proxies that dispatch on `object`.",
    field: "object",
    holds: (values) => values.every((value) => value === "chat.completion.chunk"),
  }),
  defineFieldInvariant({
    id: "chat.stream.same-id",
    requirement: "All chunks of a stream have the same non-empty `id`, but for Azure's prompt filter.",
    reference: 'OpenAPI CreateChatCompletionStreamResponse.id: "each chunk has the same ID"; jundot/omlx#2462',
    breaks: "Accumulators start a new message in the middle, or drop the rest.",
    field: "id",
    exempt: "prompt_filter_results",
    holds: (values) => isConstant(values) && typeof values[0] === "string" && values[0] !== "",
  }),
  defineFieldInvariant({
    id: "chat.stream.same-created",
    level: "should",
    requirement: "All chunks of a stream have the same `created`.",
    reference: 'OpenAPI CreateChatCompletionStreamResponse.created: "each chunk has the same timestamp"',
    breaks: "Clients show or sort by a message that moves in time.",
    field: "created",
    holds: isConstant,
  }),
  defineFieldInvariant({
    id: "chat.stream.created-seconds",
    requirement: "`created` of every chunk is a Unix time in whole seconds.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.created; Mintplex-Labs/anything-llm#2920",
    breaks: "Microsoft.Extensions.AI throws on milliseconds, Rust and Kotlin clients on fractions.",
    field: "created",
    holds: (values) => values.every((value) => typeof value === "number" && isUnixSeconds(value)),
  }),
  defineFieldInvariant({
    id: "chat.stream.same-model",
    level: "should",
    requirement: "All chunks of a stream name the same `model`.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.model",
    breaks: "Metrics are booked on several models or on none.",
    field: "model",
    holds: (values) => isConstant(values) && typeof values[0] === "string" && values[0] !== "",
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.index",
    requirement: "Every choice of every chunk has the index 0 where `n` is not given.",
    reference: "openai-node lib/ChatCompletionStream.ts; microsoft/foundry-local#144",
    breaks: 'openai-node 7: "invalid choice index", openai-node 4 hangs, openai-python IndexError.',
    async run(context) {
      const indices = (await requireChoices(context)).map((choice) => choice["index"]);
      const actual = JSON.stringify([...new Set(indices)]);
      expectThat(
        indices.every((index) => index === 0),
        { observer: "schema", expected: "0 everywhere", actual },
      );
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.role-first",
    requirement: 'The first delta has `role: "assistant"`.',
    reference: "openai-node lib/ChatCompletionStream.ts finalizeChatCompletion; langchain-ai/langchainjs#11157",
    breaks: 'openai-node\'s helper: "missing role for choice 0"; LangChain drops tool calls.',
    async run(context) {
      const delta = (await requireChoices(context))[0]?.delta;
      const actual = JSON.stringify(delta);
      expectThat(delta?.["role"] === "assistant", { observer: "wire", expected: "role assistant", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.role-once",
    level: "should",
    requirement: "At most one delta has a `role`.",
    reference: "ollama/ollama#17166",
    breaks: 'Accumulators that join strings make "assistantassistant" of it.',
    async run(context) {
      const roles = (await requireChoices(context)).filter(({ delta }) => (delta["role"] ?? null) !== null).length;
      expectThat(roles <= 1, { observer: "wire", expected: "one role", actual: `${roles} roles` });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.content-type-of-delta",
    requirement: "`delta.content` is a string, null or absent.",
    reference: "OpenAPI ChatCompletionStreamResponseDelta.content; vercel/ai#17779",
    breaks: 'The Vercel AI SDK: "expected string, received array".',
    async run(context) {
      const contents = (await requireChoices(context)).map(({ delta }) => delta["content"] ?? "");
      const wrong = contents.find((content) => typeof content !== "string");
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "schema", expected: "strings", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.finish-null-before",
    requirement: "`finish_reason` is present and null in every choice before the last.",
    reference:
      "OpenAPI CreateChatCompletionStreamResponse.choices.finish_reason; mudler/LocalAI#1744; ollama/ollama#4357",
    breaks: 'Mattermost and Alfred stop early on "" and wait for ever on a missing key.',
    async run(context) {
      const reasons = (await requireChoices(context)).map((choice) => choice["finish_reason"]);
      const last = reasons.findLastIndex((reason) => typeof reason === "string" && reason !== "");
      const early = reasons.slice(0, last === -1 ? reasons.length : last);
      const wrong = early.findIndex((reason) => reason !== null && !(typeof reason === "string" && reason !== ""));
      const actual = `${JSON.stringify(early[wrong])} in chunk ${wrong}`;
      expectThat(wrong === -1, { observer: "schema", expected: "null before the last", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.finish-once",
    requirement: "A choice has exactly one non-empty `finish_reason`, in its last chunk.",
    reference: "openai-node lib/ChatCompletionStream.ts; openai/openai-node#1292; anomalyco/opencode#43882",
    breaks: "The helper and the Vercel AI SDK throw without one; a second one ends the message early.",
    async run(context) {
      const reasons = (await requireChoices(context)).map((choice) => choice["finish_reason"]);
      const at = reasons.flatMap((reason, index) => (typeof reason === "string" && reason !== "" ? index : []));
      const holds = at.length === 1 && at[0] === reasons.length - 1;
      const actual = `at ${JSON.stringify(at)} of ${reasons.length}`;
      expectThat(holds, { observer: "wire", expected: "one finish_reason, at the end", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.finish-valid",
    requirement: "The `finish_reason` of a stream is one of the documented values.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.choices.finish_reason; ml-explore/mlx-lm#782",
    breaks: "pydantic-ai and clients with enums reject `eos_token` and its kind.",
    async run(context) {
      const reasons = (await requireChoices(context)).map((choice) => choice["finish_reason"] ?? "");
      const wrong = reasons.find((reason) => reason !== "" && !FINISH_REASONS.includes(reason));
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "schema", expected: FINISH_REASONS.join(" | "), actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.schema",
    requirement: "Every field of every chunk that no other check is about has the documented type.",
    reference: "OpenAPI CreateChatCompletionStreamResponse",
    breaks: "Clients generated from the document, and the Vercel AI SDK, end the stream with an error.",
    async run(context) {
      for (const chunk of await requireChunks(context)) {
        expectRestOfShape(chunk, createChatCompletionStreamResponseSchema, OWNED_BY_OTHER_CHECKS);
      }
    },
  }),
];
