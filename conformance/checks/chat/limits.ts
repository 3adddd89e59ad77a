/** Checks of what the server itself enforces on an answer: token limits, stop sequences, n, seed. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, isJsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  type ChatFields,
  LONG_PROMPT,
  requireCompletion,
  requireText,
  userMessage,
} from "../support/chat-calls.ts";
import { probeStop, requireStopped } from "../support/stop-probe.ts";
import { OWNERS } from "../support/owners.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const LONG_ANSWER: ChatFields = { messages: [userMessage(LONG_PROMPT)] };

/** Tokens: fewer than the long answer has. */
const CUT_AT = 3;

/** finish_reason "length", unless the model itself wrote less than the limit. @throws Failure, Inconclusive */
async function expectCut(context: CheckContext, fields: ChatFields): Promise<void> {
  const body = await requireCompletion(context, fields);
  const [choice] = Array.isArray(body["choices"]) ? body["choices"].filter(isJsonObject) : [];
  if (choice === undefined) throw new Inconclusive("the answer has no choice", OWNERS.chatChoice);
  const { message, finish_reason: reason } = choice;
  const { content } = isJsonObject(message) ? message : {};
  const { completion_tokens: tokens } = isJsonObject(body["usage"]) ? body["usage"] : {};
  // A token is a character at least.
  const written = Number.isInteger(tokens) ? Number(tokens) : typeof content === "string" ? content.length : 0;
  if (reason === "stop" && (written < CUT_AT || content === "")) {
    throw new Inconclusive("the model stopped before the limit", "model");
  }
  const expected = `finish_reason length after ${CUT_AT} tokens`;
  const actual = JSON.stringify({ finish_reason: reason, content, usage: body["usage"] });
  expectThat(reason === "length", { observer: "wire", expected, actual });
}

export const chatLimitChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "chat.limit.max-tokens",
    requirement: 'An answer cut by `max_tokens` ends with finish_reason "length".',
    reference: "OpenAPI CreateChatCompletionRequest.max_tokens; vllm-project/vllm-omni#445; ggml-org/llama.cpp#7198",
    breaks: "Runaway answers; agents take cut text for final.",
    async run(context) {
      await expectCut(context, { ...LONG_ANSWER, max_tokens: CUT_AT });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.limit.max-completion-tokens",
    requirement: 'An answer cut by `max_completion_tokens` ends with finish_reason "length".',
    reference: "OpenAPI CreateChatCompletionRequest.max_completion_tokens; ggml-org/llama.cpp#13700",
    breaks: "The Vercel AI SDK and pi send only this name: ignored, it gives runaway answers of 40,000 tokens.",
    async run(context) {
      const fields = { ...LONG_ANSWER, max_tokens: undefined, max_completion_tokens: CUT_AT };
      throwIfUnsupported(await askChat(context, fields), "max_completion_tokens");
      await expectCut(context, fields);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.stop.string",
    requirement: "A `stop` string ends the text where it would have appeared.",
    reference: "OpenAPI StopConfiguration; Blaizzy/mlx-vlm#1044",
    breaks: "ReAct agents let the model write the tool's observation itself.",
    async run(context) {
      const { before, stop, text } = await probeStop(context, (sequence) => sequence);
      const holds = text.length <= before.length + stop.length;
      const expected = `the text to end before ${JSON.stringify(stop)}`;
      expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(text) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.stop.list",
    requirement: "Any of up to four `stop` strings in a list ends the text.",
    reference: "OpenAPI StopConfiguration (1 to 4 strings)",
    breaks: "LangChain always sends a list.",
    async run(context) {
      const { before, stop, text } = await probeStop(context, (sequence) => ["§1§", "§2§", "§3§", sequence]);
      const holds = text.length <= before.length + stop.length;
      const expected = `the text to end before ${JSON.stringify(stop)}`;
      expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(text) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.stop.not-echoed",
    requirement: "The stop sequence is not part of the text.",
    reference: 'OpenAPI StopConfiguration: "the returned text will not contain the stop sequence"',
    breaks: "Completion interfaces and parsers find their own marker in the answer.",
    async run(context) {
      const { stop, text } = await requireStopped(context);
      const actual = JSON.stringify(text);
      expectThat(!text.includes(stop), { observer: "wire", expected: `no ${JSON.stringify(stop)}`, actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.stop.finish-reason",
    requirement: 'A text that ended at a stop sequence has finish_reason "stop".',
    reference: "OpenAPI CreateChatCompletionResponse.choices.finish_reason",
    breaks: 'Agents ask the model to go on, because "length" says that the text was cut.',
    async run(context) {
      const { choice } = await requireStopped(context);
      const actual = JSON.stringify(choice["finish_reason"]);
      expectThat(choice["finish_reason"] === "stop", { observer: "wire", expected: "stop", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.n.choices",
    requirement: "`n: 2` gives two choices with the indices 0 and 1.",
    reference: "OpenAPI CreateChatCompletionRequest.n; abetlen/llama-cpp-python#1906",
    breaks: "Best-of-n and self-consistency read one answer and believe it to be all.",
    async run(context) {
      throwIfUnsupported(await askChat(context, { n: 2 }), "n");
      const { choices } = await requireCompletion(context, { n: 2 });
      const indices = Array.isArray(choices)
        ? choices.map((choice: unknown) => (isJsonObject(choice) ? choice["index"] : choice))
        : [];
      const holds = indices.length === 2 && indices.includes(0) && indices.includes(1);
      expectThat(holds, { observer: "wire", expected: "indices 0 and 1", actual: JSON.stringify(indices) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.seed.repeatable",
    level: "should",
    requirement: "The same request with temperature 0 and a seed gives the same text.",
    reference: "OpenAPI CreateChatCompletionRequest.seed (best effort)",
    breaks: "Evaluations and recorded tests can't be repeated.",
    async run(context) {
      const fields = { ...LONG_ANSWER, max_tokens: 12, temperature: 0, seed: 7 };
      const [expected, actual] = [await requireText(context, fields), await requireText(context, fields)].map((text) =>
        JSON.stringify(text),
      );
      if (expected === '""') throw new Inconclusive("the answer is empty", "model");
      expectThat(expected === actual, { observer: "wire", expected: String(expected), actual: String(actual) });
    },
  }),
];
