/** Checks of which requests are taken: documented parameters, every role, every type of content. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectThat } from "../../src/expect.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Inconclusive, Unsupported } from "../../src/outcome-signals.ts";
import { bodyText, excerpt } from "../../src/response-body.ts";
import {
  askChat,
  type ChatFields,
  expectAccepted,
  FIRST_TOKEN,
  requireUsage,
  userMessage,
} from "../support/chat-calls.ts";
import { OWNERS } from "../support/owners.ts";

const CHAT = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

type Acceptance = Pick<Check, "id" | "requirement" | "reference" | "breaks"> & {
  level?: Check["level"];
  fields: ChatFields;
};

/** A check that a request is answered with 200. */
function defineAcceptance({ fields, ...check }: Acceptance): Check {
  return defineCheck({
    ...CHAT,
    ...check,
    async run(context) {
      const exchange = await askChat(context, { ...FIRST_TOKEN, ...fields });
      throwIfTemplateRefuses(exchange);
      await expectAccepted(context, exchange);
    },
  });
}

/** What the chat templates of some models say of a conversation: that is the model's right, and no server's fault. */
const TEMPLATE_WORDS =
  /chat template|template error|jinja|roles must alternate|raise_exception|system message must be|only user and assistant roles|system role (?:is )?not supported/i;

/** @throws Unsupported */
function throwIfTemplateRefuses(exchange: Exchange): void {
  const { status = 0 } = exchange.response ?? {};
  const text = bodyText(exchange);
  if (status < 400 || status >= 500 || !TEMPLATE_WORDS.test(text)) return;
  throw new Unsupported(`the model's chat template takes no such conversation: ${excerpt(text)}`);
}

const TEXT_PARTS = [
  { type: "text", text: "Answer" },
  { type: "text", text: " briefly." },
];
const HELLO = userMessage("Say hello.");
const TOOL_CALL = { id: "call_1", type: "function", function: { name: "get_time", arguments: "{}" } };

export const chatRequestChecks: readonly Check[] = [
  defineAcceptance({
    id: "chat.params.null-is-omitted",
    requirement: "An optional parameter that is null counts as omitted.",
    reference: "OpenAPI CreateChatCompletionRequest (nullable); ggml-org/llama.cpp#25515",
    breaks: "Java and Pydantic clients that write out nulls.",
    fields: {
      temperature: null,
      top_p: null,
      n: null,
      stop: null,
      stream: null,
      stream_options: null,
      seed: null,
      presence_penalty: null,
      frequency_penalty: null,
      logit_bias: null,
      logprobs: null,
      top_logprobs: null,
      max_completion_tokens: null,
    },
  }),
  defineAcceptance({
    id: "chat.params.bookkeeping",
    requirement:
      "Documented parameters that do not touch the text are accepted: user, safety_identifier, prompt_cache_key, service_tier, store.",
    reference: "OpenAPI CreateChatCompletionRequest; vllm-project/vllm#10463; OpenHands/OpenHands-CLI#83",
    breaks: 'CodeCompanion, OpenHands, garak, LangChain: "Extra inputs are not permitted".',
    fields: {
      user: "conformance",
      safety_identifier: "conformance",
      prompt_cache_key: "conformance",
      service_tier: "auto",
      store: false,
    },
  }),
  defineAcceptance({
    id: "chat.params.sampling",
    requirement:
      "The sampling parameters temperature, top_p, seed and the two penalties are accepted within their documented ranges.",
    reference: "OpenAPI CreateChatCompletionRequest",
    breaks: "LangChain and LlamaIndex send several of them always.",
    fields: { temperature: 0.7, top_p: 0.9, seed: 42, presence_penalty: 0.1, frequency_penalty: -0.1 },
  }),
  defineAcceptance({
    id: "chat.params.response-format-text",
    requirement: '`response_format: {type: "text"}` is accepted.',
    reference: "OpenAPI ResponseFormatText; lmstudio-ai/lmstudio-bug-tracker#307",
    breaks: "n8n, LangChain and mem0 send it by default.",
    fields: { response_format: { type: "text" } },
  }),
  defineAcceptance({
    id: "chat.params.unknown-is-tolerated",
    level: "may",
    requirement: "An unknown parameter does not fail the request.",
    reference: "NVIDIA/garak#748",
    breaks: "Clients that send a vendor's extension, such as `top_k`, to every server.",
    fields: { conformance_unknown_parameter: true },
  }),
  defineAcceptance({
    id: "chat.messages.user-parts",
    requirement: "A user message may be an array of text parts.",
    reference: "OpenAPI ChatCompletionRequestUserMessage.content; lemonade-sdk/lemonade#629",
    breaks: "Cline, Roo and Continue send nothing else.",
    fields: { messages: [userMessage(TEXT_PARTS)] },
  }),
  defineAcceptance({
    id: "chat.messages.system-parts",
    requirement: "A system message may be an array of text parts.",
    reference: "OpenAPI ChatCompletionRequestSystemMessage.content; theroyallab/tabbyAPI#207",
    breaks: 'Cline and Claude Code Router: "type must be string, but is array".',
    fields: { messages: [{ role: "system", content: TEXT_PARTS }, HELLO] },
  }),
  defineAcceptance({
    id: "chat.messages.assistant-parts",
    requirement: "An assistant message may be an array of text parts.",
    reference: "OpenAPI ChatCompletionRequestAssistantMessage.content; qualcomm/GenieX#683",
    breaks: "The second turn of every client that keeps parts.",
    fields: { messages: [HELLO, { role: "assistant", content: TEXT_PARTS }, HELLO] },
  }),
  defineAcceptance({
    id: "chat.messages.developer-role",
    requirement: 'The role "developer" is accepted.',
    reference: "OpenAPI ChatCompletionRequestDeveloperMessage; ggml-org/llama.cpp#20215",
    breaks: 'Codex, pi and the Vercel AI SDK: "Unexpected message role".',
    fields: { messages: [{ role: "developer", content: "Answer briefly." }, HELLO] },
  }),
  defineAcceptance({
    id: "chat.messages.several-system",
    requirement: "Several system messages, also after the first user message, are accepted.",
    reference: "OpenAPI CreateChatCompletionRequest.messages; 1CatAI/1Cat-vLLM#449",
    breaks: 'Codex: "System message must be at the beginning".',
    fields: {
      messages: [
        { role: "system", content: "Answer briefly." },
        HELLO,
        { role: "system", content: "Answer in English." },
        HELLO,
      ],
    },
  }),
  defineAcceptance({
    id: "chat.messages.consecutive-users",
    requirement: "Two user messages in a row are accepted.",
    reference: "OpenAPI CreateChatCompletionRequest.messages",
    breaks: 'Chat interfaces after a failed turn: "roles must alternate".',
    fields: { messages: [userMessage("My name is Ada."), HELLO] },
  }),
  defineAcceptance({
    id: "chat.messages.tool-turn",
    requirement:
      "A replayed tool turn is accepted: assistant with `content: null` and tool_calls, then the tool's message.",
    reference:
      "OpenAPI ChatCompletionRequestAssistantMessage.content (nullable); openai-node lib/AbstractChatCompletionRunner.ts",
    breaks: "Every agent loop stops after its first tool call.",
    fields: {
      messages: [
        HELLO,
        { role: "assistant", content: null, tool_calls: [TOOL_CALL] },
        { role: "tool", tool_call_id: "call_1", content: "12:00" },
      ],
    },
  }),
  defineAcceptance({
    id: "chat.messages.replayed-fields",
    requirement: "An assistant message is accepted as it came: with refusal, annotations, audio and function_call.",
    reference: "OpenAPI ChatCompletionResponseMessage; smarter-sh/smarter#356",
    breaks: "The second turn of clients that append the answer as it is.",
    fields: {
      messages: [
        HELLO,
        { role: "assistant", content: "Hello.", refusal: null, annotations: [], audio: null, function_call: null },
        HELLO,
      ],
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.messages.all-are-kept",
    requirement: "Each of several user messages reaches the model.",
    reference: "OpenAPI CreateChatCompletionRequest.messages; CompletionUsage.prompt_tokens",
    breaks: "The model answers as if the earlier message had never been sent.",
    async run(context) {
      const text = "The password is swordfish, and I say so at some length to fill the prompt.";
      const last = await requireUsage(context, { ...FIRST_TOKEN, messages: [HELLO] });
      const both = await requireUsage(context, { ...FIRST_TOKEN, messages: [userMessage(text), HELLO] });
      const double = await requireUsage(context, {
        ...FIRST_TOKEN,
        messages: [userMessage(`${text} Say hello.`)],
      });
      if (double.prompt_tokens <= last.prompt_tokens)
        throw new Inconclusive("usage.prompt_tokens does not count", OWNERS.chatUsageCounts);
      const actual = `${last.prompt_tokens} prompt tokens for one, ${both.prompt_tokens} for both`;
      expectThat(both.prompt_tokens > last.prompt_tokens, { observer: "wire", expected: "more tokens", actual });
    },
  }),
];
