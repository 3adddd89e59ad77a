/** Checks of calls in a stream: which deltas carry what, and that they add up to the call. All are forced. */

import { isDeepStrictEqual } from "node:util";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectSdkValue, expectThat } from "../../src/expect.ts";
import { chatChunks, streamedText } from "../../src/expect-stream.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { type ChatFields, composeSdkStream, expectAccepted, streamChat } from "../support/chat-calls.ts";
import { expectFits, expectJsonText } from "../support/forms.ts";
import {
  BOTH,
  type CallDelta,
  forceTool,
  groupDeltas,
  joinArguments,
  listCallDeltas,
  OFFER,
  REPORT,
  requireForce,
  requireCallChunks,
  requireFitting,
  requireSeveral,
  requireToolChunks,
  requireUncutStream,
  throwIfNoTools,
} from "../support/tool-calls.ts";
import { FINISH_REASONS } from "../support/values.ts";
import { OWNERS } from "../support/owners.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const REQUIRED: ChatFields = { ...OFFER, tool_choice: "required" };
const REPEATABLE: ChatFields = { temperature: 0, seed: 7 };

/** The entries of `delta.tool_calls` of a forced call. @throws Unsupported, Inconclusive */
async function requireDeltas(context: CheckContext, fields = forceTool(REPORT)): Promise<readonly CallDelta[]> {
  return listCallDeltas(await requireCallChunks(context, fields));
}

/** The entries of the only call. @throws Unsupported, Inconclusive */
async function requireCallDeltas(context: CheckContext, fields = forceTool(REPORT)): Promise<readonly CallDelta[]> {
  const [first, ...others] = groupDeltas(await requireDeltas(context, fields)).values();
  if (first === undefined || others.length > 0) throw new Inconclusive("not one tool was called", OWNERS.calledOnce);
  return first;
}

function listDeltaNames(deltas: readonly CallDelta[]): readonly unknown[] {
  return deltas.map((delta) => delta.function["name"] ?? "").filter((name) => name !== "");
}

interface Identity {
  readonly field: "id" | "name" | "type";
  readonly read: (delta: CallDelta) => unknown;
  readonly holds: (value: unknown) => boolean;
}

const IDENTITY: readonly (Identity & Pick<Check, "reference" | "breaks">)[] = [
  {
    field: "id",
    read: (delta) => delta["id"],
    holds: (id) => typeof id === "string" && id !== "",
    reference: "OpenAPI ChatCompletionMessageToolCallChunk.id; ggml-org/llama.cpp#13800",
    breaks:
      "The Vercel AI SDK: \"Expected 'id' to be a string\"; openai-node makes one up, which the server never saw.",
  },
  {
    field: "name",
    read: (delta) => delta.function["name"],
    holds: (name) => name === REPORT.name,
    reference: "OpenAPI ChatCompletionMessageToolCallChunk.function.name; open-webui/open-webui#22235",
    breaks: "Clients look the tool up at the first delta, and openai-node keeps the last piece of a name only.",
  },
  {
    field: "type",
    read: (delta) => delta["type"],
    holds: (type) => type === "function",
    reference: "OpenAPI ChatCompletionMessageToolCallChunk.type; ggml-org/llama.cpp#13800",
    breaks: 'openai-node\'s helper: "tool call snapshot missing `type`".',
  },
];

/** A check that the first delta of a call has one of the things that say which call it is. */
function defineFirst({ field, read, holds, reference, breaks }: (typeof IDENTITY)[number]): Check {
  return defineCheck({
    ...FORCED,
    id: `chat.tools.stream-${field}-first`,
    requirement: `The first delta of a call has its whole \`${field}\`.`,
    reference,
    breaks,
    async run(context) {
      const [first] = await requireCallDeltas(context);
      const value = first && read(first);
      expectThat(holds(value), { observer: "wire", expected: `the ${field}`, actual: JSON.stringify(first) });
    },
  });
}

/** A check that no later delta has it again. */
function defineOnce(field: "id" | "name", check: Pick<Check, "reference" | "breaks">): Check {
  const identity = IDENTITY.find((entry) => entry.field === field);
  return defineCheck({
    ...FORCED,
    ...check,
    id: `chat.tools.stream-${field}-once`,
    requirement: `No delta of a call after its first has a \`${field}\`.`,
    async run(context) {
      const later = (await requireCallDeltas(context)).slice(1);
      const again = later.filter((delta) => (identity?.read(delta) ?? "") !== "");
      const actual = `${again.length} more, the first in ${JSON.stringify(again[0])}`;
      expectThat(again.length === 0, { observer: "wire", expected: `one ${field}`, actual });
    },
  });
}

export const chatToolStreamChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-calls",
    requirement: "A forced call comes in a stream as `delta.tool_calls`.",
    reference: "OpenAPI ChatCompletionStreamResponseDelta.tool_calls; ollama/ollama#5796; jundot/omlx#3153",
    breaks: "Agents that stream take the call for a text, show it, and stop.",
    async run(context) {
      const { exchange } = await streamChat(context, forceTool(REPORT));
      throwIfNoTools(exchange);
      // Whether a tool that is named is called at all is judged without a stream.
      await requireForce(context);
      await expectAccepted(context, exchange);
      const chunks = await requireToolChunks(context, forceTool(REPORT));
      const actual = JSON.stringify(streamedText(chunks));
      expectThat(listCallDeltas(chunks).length > 0, { observer: "wire", expected: "a call", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-index",
    requirement: "Every entry of `delta.tool_calls` has an `index`.",
    reference: "OpenAPI ChatCompletionMessageToolCallChunk.index; openai/openai-python#2806; ollama/ollama#7881",
    breaks: "openai-node throws or loses the call without a word, openai-python raises TypeError, Open WebUI hangs.",
    async run(context) {
      const wrong = (await requireDeltas(context)).find(({ index }) => !Number.isInteger(index));
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "schema", expected: "an index everywhere", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-index-order",
    requirement: "The calls of an answer have the indices 0, 1, 2 and so on, in the order in which they begin.",
    reference: "openai-node lib/ChatCompletionStream.ts; pipecat-ai/pipecat#5342",
    breaks: "Accumulators leave a hole: pipecat runs a phantom call, openai-node has `undefined` in `tool_calls`.",
    async run(context) {
      const order = [...groupDeltas(await requireDeltas(context, BOTH)).keys()];
      const holds = order.every((index, position) => index === position);
      expectThat(holds, { observer: "wire", expected: "0, 1, 2, …", actual: JSON.stringify(order) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-index-own",
    requirement: "Each of several calls has an `index` of its own.",
    reference: "openai-node lib/ChatCompletionStream.ts; ollama/ollama#15457; vercel/ai#14277; ai-dynamo/dynamo#4723",
    breaks: 'Every accumulator makes one call of two: the arguments are `{"a":1}{"b":2}`.',
    async run(context) {
      const deltas = await requireSeveral(
        () => requireDeltas(context, BOTH),
        (given) => new Set(listDeltaNames(given)).size,
      );
      const [names, indices] = [listDeltaNames(deltas), [...groupDeltas(deltas).keys()]];
      const actual = `${JSON.stringify(names)} at ${JSON.stringify(indices)}`;
      expectThat(indices.length >= 2, { observer: "wire", expected: "as many indices as calls", actual });
    },
  }),
  ...IDENTITY.map(defineFirst),
  defineOnce("id", {
    reference: "openai-python lib/streaming/_deltas.py accumulate_delta; openai/openai-agents-python#990",
    breaks: "openai-python and openai-agents join the pieces: the result is sent to `call_1call_1`.",
  }),
  defineOnce("name", {
    reference: "openai-python lib/streaming/_deltas.py accumulate_delta; continuedev/continue#5849",
    breaks: "Continue and openai-python call `get_timeget_time`, an unknown tool.",
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-arguments-strings",
    requirement: "The arguments in a delta are a piece of text.",
    reference: "OpenAPI ChatCompletionMessageToolCallChunk.function.arguments; ggml-org/llama.cpp#20198",
    breaks: 'openai-node\'s helper makes "[object Object]" of them.',
    async run(context) {
      const wrong = (await requireDeltas(context)).find(
        (delta) => typeof (delta.function["arguments"] ?? "") !== "string",
      );
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "schema", expected: "strings", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-arguments",
    requirement: "The pieces of the arguments, put together, are JSON that fits the tool's strict schema.",
    reference:
      "OpenAPI ChatCompletionMessageToolCallChunk.function.arguments; huggingface/text-generation-inference#2136",
    breaks: "Every client that streams: the call can't be parsed, or the tool can't take it.",
    async run(context) {
      const text = joinArguments(await requireCallDeltas(context));
      expectFits(expectJsonText(text), REPORT.form);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-sdk-helper",
    requirement: "The SDK's `.stream()` helper yields the call that the deltas make.",
    reference: "openai-node lib/ChatCompletionStream.ts",
    breaks: "Every program that uses the helper, and the agents built on it.",
    async run(context) {
      const call = await requireCallDeltas(context, forceTool(REPORT, REPEATABLE));
      const sent = { name: REPORT.name, arguments: joinArguments(call) };
      assume("arguments that fit", OWNERS.callPiecesFit, () => expectFits(expectJsonText(sent.arguments), REPORT.form));
      const outcome = await context.sdk((client) =>
        client.chat.completions.stream(composeSdkStream(context, forceTool(REPORT, REPEATABLE))).finalMessage(),
      );
      if (outcome.error !== undefined) {
        requireUncutStream(chatChunks(outcome.exchange, OWNERS.streamRead));
        await requireHelper(context);
      }
      const [made] = expectSdkValue(outcome).tool_calls ?? [];
      const found = made?.type === "function" ? { name: made.function.name, arguments: made.function.arguments } : {};
      const again = joinArguments(await requireCallDeltas(context, forceTool(REPORT, REPEATABLE)));
      if (again !== sent.arguments) throw new Inconclusive("the stream is not repeatable", "chance");
      const [expected, actual] = [JSON.stringify(sent), JSON.stringify(found)];
      expectThat(actual === expected, { observer: "sdk", expected, actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-finish-reason",
    requirement: 'A stream that calls because it is required to ends with finish_reason "tool_calls".',
    reference: "OpenAPI CreateChatCompletionStreamResponse.choices.finish_reason; Blaizzy/mlx-vlm#990",
    breaks: "LangChain, opencode and strands end the loop without running the tools.",
    async run(context) {
      const chunks = await requireCallChunks(context, REQUIRED);
      const reasons = chunks.flatMap(({ choices }) => choices.map((choice) => choice["finish_reason"]));
      const reason = reasons.findLast((value) => typeof value === "string" && value !== "");
      if (!FINISH_REASONS.includes(reason))
        throw new Inconclusive("the stream has no documented finish_reason", OWNERS.streamFinish);
      const actual = JSON.stringify(reason);
      expectThat(reason === "tool_calls", { observer: "wire", expected: "tool_calls", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-equals-one-shot",
    requirement:
      "At temperature 0 with a seed the streamed call is the non-streaming call: same tool, equal arguments.",
    reference: "OpenAPI CreateChatCompletionRequest.stream: the same answer in pieces",
    breaks: "An agent does other things when it streams, unseen by every client.",
    async run(context) {
      const oneShot = await requireFitting(context, REPEATABLE);
      if (!isSameJson(oneShot, await requireFitting(context, REPEATABLE)))
        throw new Inconclusive("non-streaming is not repeatable", "chance");
      const ask = async (): Promise<string> =>
        joinArguments(await requireCallDeltas(context, forceTool(REPORT, REPEATABLE)));
      const streamed = await ask();
      assume("streamed arguments that fit", OWNERS.callPiecesFit, () =>
        expectFits(expectJsonText(streamed), REPORT.form),
      );
      if (isSameJson(streamed, oneShot)) return;
      if (!isSameJson(streamed, await ask())) throw new Inconclusive("the stream is not repeatable", "chance");
      expectThat(false, { observer: "wire", expected: oneShot, actual: streamed });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.stream-not-in-content",
    requirement: "A streamed call does not stand in the deltas of the text a second time.",
    reference: "OpenAPI ChatCompletionStreamResponseDelta; BerriAI/litellm#34769; jundot/omlx#3153",
    breaks: "People watch raw JSON or markup being written before each step.",
    async run(context) {
      const chunks = await requireCallChunks(context, forceTool(REPORT));
      const [call = []] = groupDeltas(listCallDeltas(chunks)).values();
      const [text, written] = [streamedText(chunks), joinArguments(call)];
      const holds = written === "" || !text.includes(written);
      expectThat(holds, { observer: "wire", expected: "no arguments in the text", actual: JSON.stringify(text) });
    },
  }),
];

/** Whether two texts are the same JSON: blanks between its tokens, and the order of keys, mean nothing. */
function isSameJson(one: string, other: string): boolean {
  return isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

/** That the helper works on a plain stream, which another check judges. @throws Inconclusive */
async function requireHelper(context: CheckContext): Promise<void> {
  const body = composeSdkStream(context);
  const outcome = await context.sdk((client) => client.chat.completions.stream(body).finalMessage());
  assume("a stream that the helper reads", OWNERS.callHelper, () => expectSdkValue(outcome));
}
