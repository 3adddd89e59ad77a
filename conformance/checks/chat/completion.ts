/** Checks of the body of a non-streaming chat completion. */

import { createChatCompletionResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import { assume, expectSdkValue, expectStatus, expectThat, isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  composeSdkChat,
  expectAnswered,
  LONG_PROMPT,
  readUsage,
  requireChoice,
  requireCompletion,
  requireMessage,
  requireUsage,
  userMessage,
} from "../support/chat-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { FINISH_REASONS, isUnixSeconds } from "../support/values.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const CHAT = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const OWNED_BY_OTHER_CHECKS =
  /^(id|object|created|model|choices|usage(\.(prompt|completion|total)_tokens)?|choices\[\d+\](\.(index|finish_reason|logprobs|message(\.(role|content|refusal))?))?)$/;

export const chatCompletionChecks: readonly Check[] = [
  defineCheck({
    ...CHAT,
    id: "chat.completion.answers",
    requirement: "A plain chat request is answered with 200 and a body that the SDK parses.",
    reference: "OpenAPI createChatCompletion",
    breaks: "Every client.",
    async run(context) {
      const body = composeSdkChat(context);
      const outcome = await context.sdk((client) => client.chat.completions.create(body));
      expectAnswered(outcome.exchange);
      expectSdkValue(outcome);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.id",
    requirement: "Each completion has an `id` of its own.",
    reference: "OpenAPI CreateChatCompletionResponse.id",
    breaks: "Logs, traces and caches that key by id mix two answers up.",
    async run(context) {
      const ids = [(await requireCompletion(context))["id"], (await requireCompletion(context))["id"]];
      const holds = ids.every((id) => typeof id === "string" && id !== "") && ids[0] !== ids[1];
      expectThat(holds, { observer: "wire", expected: "two different ids", actual: JSON.stringify(ids) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.object",
    requirement: '`object` is "chat.completion".',
    reference: "OpenAPI CreateChatCompletionResponse.object",
    breaks: "Clients that dispatch on `object`, such as proxies and loggers.",
    async run(context) {
      const { object } = await requireCompletion(context);
      expectThat(object === "chat.completion", {
        observer: "schema",
        expected: "chat.completion",
        actual: String(object),
      });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.created-seconds",
    requirement: "`created` is a Unix time in whole seconds.",
    reference: "OpenAPI CreateChatCompletionResponse.created; Mintplex-Labs/anything-llm#2920",
    breaks: "Microsoft.Extensions.AI throws on milliseconds, Rust and Kotlin clients on fractions.",
    async run(context) {
      const { created } = await requireCompletion(context);
      const holds = typeof created === "number" && isUnixSeconds(created);
      expectThat(holds, { observer: "schema", expected: "seconds since 1970", actual: JSON.stringify(created) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.model",
    level: "should",
    requirement: "`model` names a model, the requested one or the version that it stands for.",
    reference: "OpenAPI CreateChatCompletionResponse.model; ggml-org/llama.cpp#5876",
    breaks: "Metrics and bills are booked on the wrong model.",
    async run(context) {
      const { model } = await requireCompletion(context);
      const asked = String(context.models.chat).toLowerCase();
      const named = typeof model === "string" ? model.toLowerCase() : "";
      const holds = named !== "" && (named.includes(asked) || asked.includes(named) || asked === "default");
      expectThat(holds, { observer: "wire", expected: `a name like ${asked}`, actual: JSON.stringify(model) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.choices",
    requirement: "`choices` is an array with exactly one choice where `n` is not given.",
    reference: "OpenAPI CreateChatCompletionResponse.choices; simonw/llm#1698",
    breaks: "`choices[0].message` throws in every client.",
    async run(context) {
      const { choices } = await requireCompletion(context);
      const holds = Array.isArray(choices) && choices.length === 1 && isJsonObject(choices[0]);
      expectThat(holds, { observer: "schema", expected: "one choice", actual: JSON.stringify(choices) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.index",
    requirement: "The only choice has the index 0.",
    reference: "OpenAPI CreateChatCompletionResponse.choices.index",
    breaks: "The Vercel AI SDK requires the number.",
    async run(context) {
      const { index } = await requireChoice(context);
      expectThat(index === 0, { observer: "schema", expected: "index 0", actual: JSON.stringify(index) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.role",
    requirement: 'The message has the role "assistant".',
    reference: "OpenAPI ChatCompletionResponseMessage.role",
    breaks: "The Vercel AI SDK accepts no other literal; replaying the message is refused.",
    async run(context) {
      const { role } = await requireMessage(context);
      expectThat(role === "assistant", { observer: "schema", expected: "assistant", actual: JSON.stringify(role) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.content",
    requirement: "The text of an answer without tool calls is one string.",
    reference: "OpenAPI ChatCompletionResponseMessage.content; vercel/ai#17779",
    breaks: 'The Vercel AI SDK: "expected string, received array".',
    async run(context) {
      const { content } = await requireMessage(context);
      if (content === null) throw new Inconclusive("the answer has no text, only null, which is allowed", "model");
      expectThat(typeof content === "string", {
        observer: "schema",
        expected: "a string",
        actual: JSON.stringify(content),
      });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.finish-reason",
    requirement: "`finish_reason` is one of the documented values.",
    reference: "OpenAPI CreateChatCompletionResponse.choices.finish_reason; ml-explore/mlx-lm#782",
    breaks: "pydantic-ai and clients with enums reject the answer.",
    async run(context) {
      const reason = (await requireChoice(context))["finish_reason"];
      const actual = JSON.stringify(reason);
      expectThat(FINISH_REASONS.includes(reason), { observer: "schema", expected: FINISH_REASONS.join(" | "), actual });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.refusal-null",
    level: "should",
    requirement: "The message has the key `refusal`, null where the model did not refuse.",
    reference: "OpenAPI ChatCompletionResponseMessage.required; CopilotKit/aimock#33",
    breaks: "Clients generated from the document reject the message.",
    async run(context) {
      const message = await requireMessage(context);
      const { refusal } = message;
      const holds = refusal === null || typeof refusal === "string";
      expectThat(holds, { observer: "schema", expected: "null or a string", actual: JSON.stringify(refusal) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.logprobs-null",
    level: "may",
    requirement: "A choice has the key `logprobs`, null where none were asked for.",
    reference: "OpenAPI CreateChatCompletionResponse.choices.required",
    breaks: "Strict clients generated from the document reject the choice. OpenAI itself leaves the key out at times.",
    async run(context) {
      const { logprobs } = await requireChoice(context);
      expectThat(logprobs === null, { observer: "schema", expected: "null", actual: JSON.stringify(logprobs) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.usage.present",
    requirement: "`usage` has three non-negative integers: prompt_tokens, completion_tokens, total_tokens.",
    reference: "OpenAPI CompletionUsage.required; simonw/llm#1698",
    breaks: "The llm CLI raises AttributeError; cost trackers show nothing.",
    async run(context) {
      const { usage } = await requireCompletion(context);
      const counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map((field) =>
        isJsonObject(usage) ? usage[field] : undefined,
      );
      const holds = counts.every((count) => Number.isInteger(count) && Number(count) >= 0);
      expectThat(holds, { observer: "schema", expected: "three integers", actual: JSON.stringify(usage) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.usage.total-is-sum",
    requirement: "`usage.total_tokens` is the sum of prompt and completion tokens.",
    reference: "OpenAPI CompletionUsage.total_tokens",
    breaks: "Budgets that add the parts and budgets that read the total disagree.",
    async run(context) {
      const usage = await requireUsage(context);
      const holds = usage.total_tokens === usage.prompt_tokens + usage.completion_tokens;
      expectThat(holds, { observer: "wire", expected: "total = sum", actual: JSON.stringify(usage) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.usage.counts-the-prompt",
    requirement: "A longer prompt has more `usage.prompt_tokens`.",
    reference: "OpenAPI CompletionUsage.prompt_tokens",
    breaks: "Context managers that trim by it never trim; zeros and constants look like free calls.",
    async run(context) {
      const short = await requireUsage(context, { messages: [userMessage("Hi.")] });
      const long = await requireUsage(context, { messages: [userMessage("Hi. How are you today? ".repeat(8))] });
      const actual = `${short.prompt_tokens}, then ${long.prompt_tokens}`;
      expectThat(long.prompt_tokens > short.prompt_tokens, { observer: "wire", expected: "more tokens", actual });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.usage.counts-the-answer",
    tier: "forced",
    requirement: "`usage.completion_tokens` is within the limit that the answer kept.",
    reference: "OpenAPI CompletionUsage.completion_tokens",
    breaks: "Bills count characters or bytes for tokens.",
    async run(context) {
      const limit = 5;
      const body = await requireCompletion(context, { messages: [userMessage(LONG_PROMPT)], max_tokens: limit });
      const text = JSON.stringify(body["choices"]) ?? "";
      if (!text.includes('"length"')) throw new Inconclusive("the answer was not cut at the limit", OWNERS.chatLimit);
      const { completion_tokens: tokens } = readUsage(body, OWNERS.chatUsage);
      const actual = `${tokens} tokens for ${text}`;
      expectThat(tokens >= 1 && tokens <= limit, { observer: "wire", expected: `1 to ${limit} tokens`, actual });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.default-is-one-shot",
    requirement: "Without `stream` the answer is one JSON body, not a stream.",
    reference: "OpenAPI CreateChatCompletionRequest.stream (default false); decolua/9router#3492",
    breaks: "Every client that does not stream fails to parse the body.",
    async run(context) {
      const exchange = await askChat(context);
      const { headers } = assume("a chat completion", answerOwners(exchange), () => expectStatus(exchange, 200));
      const type = String(headers["content-type"]);
      const text = new TextDecoder().decode(exchange.response?.chunks[0]?.bytes);
      const holds = !type.includes("event-stream") && !text.startsWith("data:");
      expectThat(holds, { observer: "wire", expected: "a JSON body", actual: `${type}: ${text.slice(0, 40)}` });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.completion.schema",
    requirement: "Every field that no other check is about has the documented type.",
    reference: "OpenAPI CreateChatCompletionResponse",
    breaks: "Clients generated from the document, and the Vercel AI SDK, reject the whole answer.",
    async run(context) {
      const body = await requireCompletion(context);
      expectRestOfShape(body, createChatCompletionResponseSchema, OWNED_BY_OTHER_CHECKS);
    },
  }),
];
