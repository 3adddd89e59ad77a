/** Checks of which chat requests are refused, and of what the refusal blames. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectErrorEnvelope, expectHeader, expectStatus, expectThat } from "../../src/expect.ts";
import { askChat, askRefusable, type ChatFields } from "../support/chat-calls.ts";
import { expectRefusedOrNamed } from "../support/unknown-model.ts";
import { expectRefused, requireNoticed, requireRefusal, requireRefusedError } from "../support/envelope.ts";

const CHAT = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

type Refused = Pick<Check, "id" | "requirement" | "breaks"> & { level?: Check["level"]; fields: ChatFields };

/** A check that a request is refused. */
function defineRefusal({ fields, ...check }: Refused): Check {
  return defineCheck({
    ...CHAT,
    ...check,
    reference: "OpenAPI CreateChatCompletionRequest; openai-node client.ts shouldRetry",
    async run(context) {
      expectRefused(await askRefusable(context, fields));
    },
  });
}

/** A check that a refusal names the parameter to blame. */
function defineBlame({ fields, ...check }: Refused & { fields: { [param: string]: unknown } }): Check {
  return defineCheck({
    ...CHAT,
    ...check,
    level: "should",
    reference: "OpenAPI Error.param",
    async run(context) {
      const exchange = await askChat(context, fields);
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { param: Object.keys(fields).join() });
    },
  });
}

const UNKNOWN_MODEL = { model: "conformance-no-such-model" };
const BREAKS_BLAME = "Forms and agents that repair the field named by `param` have nothing to repair.";
const BREAKS_STATUS = "The SDK sends it again after a 5xx, and takes a 200 for an answer to the question.";
const BREAKS_SILENT =
  "A mistake goes unnoticed: the SDK takes the 200 for an answer to what was asked, and retries a 5xx.";

const QUESTION = { role: "user", content: "What time is it?" };
const CALL = {
  role: "assistant",
  content: null,
  tool_calls: [{ id: "call_1", type: "function", function: { name: "time", arguments: "{}" } }],
};

export const chatRefusalChecks: readonly Check[] = [
  defineRefusal({
    id: "chat.refusal.tool-result-without-call",
    level: "should",
    requirement: "A tool's message that answers no call is refused with a 4xx.",
    breaks:
      "A history that was cut in the middle of a call goes unnoticed, and the model answers a result out of nowhere.",
    fields: { messages: [QUESTION, { role: "tool", tool_call_id: "call_1", content: "12:00" }] },
  }),
  defineRefusal({
    id: "chat.refusal.tool-call-without-result",
    level: "should",
    requirement: "A tool call that no message answers before the next turn is refused with a 4xx.",
    breaks: "An agent that lost a result gets an invented one in place of an error.",
    fields: { messages: [QUESTION, CALL, QUESTION] },
  }),
  defineRefusal({
    id: "chat.refusal.missing-model",
    level: "should",
    requirement: "A request without `model` is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { model: undefined },
  }),
  defineBlame({
    id: "chat.refusal.missing-model-param",
    requirement: 'The refusal of a request without `model` has `param: "model"`.',
    breaks: BREAKS_BLAME,
    fields: { model: undefined },
  }),
  defineRefusal({
    id: "chat.refusal.missing-messages",
    requirement: "A request without `messages` is refused with a 4xx.",
    breaks: BREAKS_STATUS,
    fields: { messages: undefined },
  }),
  defineBlame({
    id: "chat.refusal.missing-messages-param",
    requirement: 'The refusal of a request without `messages` has `param: "messages"`.',
    breaks: BREAKS_BLAME,
    fields: { messages: undefined },
  }),
  defineRefusal({
    id: "chat.refusal.empty-messages",
    level: "should",
    requirement: "An empty `messages` is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { messages: [] },
  }),
  defineRefusal({
    id: "chat.refusal.messages-type",
    requirement: "`messages` that is a string is refused with a 4xx.",
    breaks: BREAKS_STATUS,
    fields: { messages: "Say hello." },
  }),
  defineRefusal({
    id: "chat.refusal.unknown-role",
    level: "should",
    requirement: "A message with an unknown role is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { messages: [{ role: "conformance", content: "Say hello." }] },
  }),
  defineRefusal({
    id: "chat.refusal.temperature-range",
    level: "should",
    requirement: "A temperature above 2 is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { temperature: 2.5 },
  }),
  defineBlame({
    id: "chat.refusal.temperature-param",
    requirement: 'The refusal of a temperature above 2 has `param: "temperature"`.',
    breaks: BREAKS_BLAME,
    fields: { temperature: 2.5 },
  }),
  defineRefusal({
    id: "chat.refusal.max-tokens-type",
    level: "should",
    requirement: "`max_tokens` that is a string is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { max_tokens: "sixteen" },
  }),
  defineRefusal({
    id: "chat.refusal.n-zero",
    level: "should",
    requirement: "`n: 0` is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { n: 0 },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.refusal.unknown-model",
    requirement: "An unknown model is refused with a 4xx, or answered under the name of the model that answers.",
    reference: "OpenAPI CreateChatCompletionResponse.model; ddalcu/mlx-serve#257; runpod-workers/worker-vllm#57",
    breaks: "Another model answers, is billed and evaluated under the wrong name.",
    async run(context) {
      expectRefusedOrNamed(await askRefusable(context, UNKNOWN_MODEL), UNKNOWN_MODEL.model);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.refusal.unknown-model-404",
    level: "should",
    requirement: "An unknown model is refused with 404.",
    reference: "OpenAI error codes: 404, model_not_found; openai-node core/error.ts NotFoundError",
    breaks: "Clients that fall back to another model, or offer the list, test for NotFoundError.",
    async run(context) {
      expectStatus(await askRefusable(context, UNKNOWN_MODEL), 404);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.refusal.unknown-model-code",
    level: "should",
    requirement: "The SDK sees the code `model_not_found` on the refusal of an unknown model.",
    reference: "openai-node core/error.ts APIError.code",
    breaks: "Clients that fall back to another model test this code.",
    async run(context) {
      const outcome = await context.sdk((client) =>
        client.chat.completions.create({ ...UNKNOWN_MODEL, messages: [{ role: "user", content: "Say hello." }] }),
      );
      requireRefusedError(outcome.exchange);
      const code = outcome.error instanceof context.officialSdk.OpenAI.APIError ? outcome.error.code : undefined;
      expectThat(code === "model_not_found", { observer: "sdk", expected: "model_not_found", actual: String(code) });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.stream.refusal-status",
    requirement:
      "A streaming request that is found invalid before the first token is refused by status, not inside a stream.",
    reference: "ggml-org/llama.cpp#14566; vllm-project/vllm#21052",
    breaks: "Clients take the 200 for success and show an empty answer.",
    async run(context) {
      expectRefused(await requireNoticed(context, { isStreamed: true }));
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.stream.refusal-content-type",
    requirement: "The refusal of a streaming request is JSON, not an event stream.",
    reference: "openai-node client.ts makeStatusError; vllm-project/vllm#21052",
    breaks: "The message and the code are lost, because the error body is not parsed.",
    async run(context) {
      const exchange = await requireNoticed(context, { isStreamed: true });
      requireRefusal(exchange);
      expectHeader(exchange, "content-type", /^application\/json\b/i);
    },
  }),
];
