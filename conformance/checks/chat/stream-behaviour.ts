/** Checks of a streamed chat completion as a whole: usage, equality with non-streaming, pace, and disconnects. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { type ChatChunk, jsonFrames } from "../../src/expect-stream.ts";
import { assume, expectSdkValue, expectStatus, expectThat, isJsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { expectFlushed } from "../support/arrivals.ts";
import {
  askChat,
  type ChatFields,
  composeChat,
  composeSdkStream,
  LONG_PROMPT,
  requireChunks,
  requireText,
  streamChat,
  userMessage,
} from "../support/chat-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const STREAM = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const WITH_USAGE: ChatFields = { stream_options: { include_usage: true } };
const REPEATABLE: ChatFields = { messages: [userMessage(LONG_PROMPT)], max_tokens: 24, temperature: 0, seed: 7 };
const USUAL_ATTEMPTS = 3;
/** Leavers at once: more than the slots of a usual local server. */
const DISCONNECTING_CLIENTS = 4;

/** The text of the only choice. @throws Inconclusive when a delta's content is no string, which another check owns */
function joinDeltas(chunks: readonly ChatChunk[]): string {
  const contents = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta["content"] ?? ""));
  if (contents.every((content) => typeof content === "string")) return contents.join("");
  throw new Inconclusive("delta.content is not always a string", OWNERS.streamContent);
}

function hasUsage(chunk: ChatChunk): boolean {
  return isJsonObject(chunk["usage"]);
}

/** The first chunk of Azure, which tells what its filter found in the prompt. The clients live with it. */
function isPromptFilter(chunk: ChatChunk): boolean {
  return "prompt_filter_results" in chunk;
}

/** The longest of three: one time on a busy machine says little. Milliseconds. @throws Inconclusive */
async function measureUsual(context: CheckContext, fields: ChatFields): Promise<number> {
  let longestMs = 0;
  for (let attempt = 0; attempt < USUAL_ATTEMPTS; attempt += 1) {
    const exchange = await askChat(context, fields);
    const { endAtMs } = assume("a short request works", answerOwners(exchange), () => expectStatus(exchange, 200));
    longestMs = Math.max(longestMs, endAtMs);
  }
  return longestMs;
}

export const chatStreamBehaviourChecks: readonly Check[] = [
  defineCheck({
    ...STREAM,
    id: "chat.stream.usage-only-when-asked",
    requirement:
      "Without `stream_options.include_usage` no chunk has an empty `choices`, but for Azure's prompt filter.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage; Arthur-Ficial/apfel#100",
    breaks: "`chunk.choices[0]` of every tutorial raises IndexError.",
    async run(context) {
      const chunks = (await requireChunks(context)).filter((chunk) => !isPromptFilter(chunk));
      const empty = chunks.find((chunk) => chunk.choices.length === 0);
      const actual = JSON.stringify(empty);
      expectThat(empty === undefined, { observer: "wire", expected: "a choice in every chunk", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.usage-chunk",
    requirement: "With `include_usage` a chunk of the stream has a `usage` of three numbers.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage; Portkey-AI/gateway#1629",
    breaks: "Open WebUI, LiteLLM, LangChain and Home Assistant count nothing.",
    async run(context) {
      const chunks = await requireChunks(context, WITH_USAGE);
      const last = chunks.findLast(hasUsage) ?? chunks.at(-1);
      const usage = isJsonObject(last?.["usage"]) ? last["usage"] : {};
      const counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map((field) => usage[field]);
      const holds = counts.every((count) => Number.isInteger(count));
      expectThat(holds, { observer: "schema", expected: "usage with three counts", actual: JSON.stringify(last) });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.usage-chunk-alone",
    level: "should",
    requirement: "With `include_usage` the chunk with the usage is the last one, and has `choices: []`.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage: the choices field will always be an empty array",
    breaks: "Programs written after the document wait for a chunk without choices to read the usage from.",
    async run(context) {
      const chunks = await requireChunks(context, WITH_USAGE);
      if (!chunks.some(hasUsage))
        throw new Inconclusive("no usage comes, which chat.stream.usage-chunk judges", OWNERS.streamUsage);
      const last = chunks.at(-1);
      const holds = last !== undefined && hasUsage(last) && last.choices.length === 0;
      expectThat(holds, { observer: "schema", expected: "choices [] and usage", actual: JSON.stringify(last) });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.usage-once",
    level: "should",
    requirement: "With `include_usage` the other chunks have `usage` null or absent.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.usage; open-webui/open-webui#29064",
    breaks: "Open WebUI and LangChain add the counts up.",
    async run(context) {
      const early = (await requireChunks(context, WITH_USAGE)).slice(0, -1).filter(hasUsage);
      const actual = `${early.length} earlier chunks with usage`;
      expectThat(early.length === 0, { observer: "wire", expected: "usage at the end only", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.sdk-helper",
    requirement: "The SDK's `.stream()` helper accumulates the stream into a completion.",
    reference: "openai-node lib/ChatCompletionStream.ts; lmstudio-ai/lmstudio-bug-tracker#649",
    breaks: "Every program that uses the helper: it throws on streams that plain iteration forgives.",
    async run(context) {
      const body = composeSdkStream(context);
      await requireChunks(context);
      const outcome = await context.sdk((client) => client.chat.completions.stream(body).finalChatCompletion());
      const text = expectSdkValue(outcome).choices[0]?.message.content ?? "";
      const frames = assume("frames of JSON", OWNERS.streamRead, () =>
        jsonFrames(outcome.exchange),
      ) as readonly ChatChunk[];
      const sent = joinDeltas(frames);
      expectThat(text === sent, { observer: "sdk", expected: JSON.stringify(sent), actual: JSON.stringify(text) });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.equals-one-shot",
    requirement: "At temperature 0 with a seed the streamed text is the non-streaming text.",
    reference: "OpenAPI CreateChatCompletionRequest.stream: the same answer in pieces",
    breaks: "Words are lost or doubled at chunk borders, unseen by every client.",
    async run(context) {
      const oneShot = await requireText(context, REPEATABLE);
      if (oneShot !== (await requireText(context, REPEATABLE)))
        throw new Inconclusive("non-streaming is not repeatable", "chance");
      if (oneShot === "") throw new Inconclusive("the answer is empty", "model");
      const streamed = joinDeltas(await requireChunks(context, REPEATABLE));
      if (streamed === oneShot) return;
      const isChance = streamed !== joinDeltas(await requireChunks(context, REPEATABLE));
      if (isChance) throw new Inconclusive("the stream is not repeatable", "chance");
      const [expected, actual] = [JSON.stringify(oneShot), JSON.stringify(streamed)];
      throw new Failure({ observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.whole-characters",
    requirement: "Each delta holds whole characters: no half of a surrogate pair and no U+FFFD.",
    reference: "RFC 8259 section 8; Luce-Org/lucebox#641; mlc-ai/mlc-llm#1142",
    breaks: "Emoji and Chinese text come out as garbage in every client.",
    async run(context) {
      const messages = [userMessage("Repeat exactly, without comment: 🎉🚀 日本語 naïve 🎉🚀")];
      const fields = { messages, max_tokens: 32, temperature: 0, seed: 7 };
      const chunks = await requireChunks(context, fields);
      const contents = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta["content"]));
      const texts = contents.filter((content) => typeof content === "string");
      const broken = texts.find((text) => text.includes("\uFFFD") || !text.isWellFormed());
      const actual = JSON.stringify(broken);
      if (broken?.isWellFormed() === true && (await requireText(context, fields)).includes("\uFFFD")) {
        throw new Inconclusive("the model itself writes bytes that are no text", "model");
      }
      expectThat(broken === undefined, { observer: "wire", expected: "whole characters", actual });
      const isAscii = /^\p{ASCII}*$/u.test(texts.join(""));
      if (isAscii) throw new Inconclusive("the model wrote nothing beyond ASCII", "model");
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.several-deltas",
    level: "should",
    requirement: "A long answer comes in several deltas, not in one.",
    reference: "OpenAPI CreateChatCompletionRequest.stream",
    breaks: "Chat interfaces show nothing, then everything.",
    async run(context) {
      const chunks = await requireChunks(context, REPEATABLE);
      const text = joinDeltas(chunks);
      if (text.length < 24) throw new Inconclusive("the answer is too short to be split", "model");
      const deltas = chunks.flatMap(({ choices }) => choices).filter(({ delta }) => Boolean(delta["content"])).length;
      expectThat(deltas > 1, {
        observer: "wire",
        expected: "several deltas",
        actual: `${deltas} for ${text.length} characters`,
      });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.flushed",
    sharesAnswers: false,
    level: "should",
    requirement:
      "Deltas are sent as they are made: of a stream that takes time the first bytes arrive before the last.",
    reference: "Chunked transfer, RFC 9112 section 7.1",
    breaks: "A buffering layer turns streaming into waiting.",
    async run(context) {
      const stream = async (tokens: number): Promise<Exchange> =>
        (await streamChat(context, { ...REPEATABLE, max_tokens: tokens })).exchange;
      await expectFlushed({ long: () => stream(48), short: () => stream(1) });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "chat.stream.leaving-frees-the-slot",
    sharesAnswers: false,
    requirement:
      "After clients left in the middle of long streams, a short request is answered about as fast as before.",
    reference: "openai-node core/streaming.ts (break aborts); ggml-org/llama.cpp#24496; vllm-project/vllm#54947",
    breaks: '"Stop" in Cursor, Continue and Cline burns the machine and blocks the next request.',
    async run(context) {
      const quick = { max_tokens: 1 };
      const usualMs = await measureUsual(context, quick);
      const body = JSON.stringify({
        ...composeChat(context, { messages: [userMessage(LONG_PROMPT)], max_tokens: 400 }),
        stream: true,
      });
      const disconnecting = { method: "POST", path: "/chat/completions", body, disconnectAfterBytes: 1 };
      const disconnected = await Promise.all(
        Array.from({ length: DISCONNECTING_CLIENTS }, () => context.wire(disconnecting)),
      );
      for (const exchange of disconnected) requireStatus(exchange, 200);
      const after = expectStatus(await askChat(context, quick), 200);
      const limitMs = 1500 + 3 * usualMs;
      const actual = `${Math.round(after.endAtMs)} ms, ${Math.round(usualMs)} ms before`;
      expectThat(after.endAtMs <= limitMs, { observer: "wire", expected: `at most ${Math.round(limitMs)} ms`, actual });
    },
  }),
];
