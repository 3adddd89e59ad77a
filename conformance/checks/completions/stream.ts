/** Checks of a streamed plain completion: its events, and that together they are the non-streaming answer. */

import { createCompletionStreamResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { DONE, jsonFrames, sseFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectHeader,
  expectSdkValue,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { expectFlushed } from "../support/arrivals.ts";
import {
  askText,
  COMPLETIONS,
  COUNTING,
  joinTexts,
  OTHER_PROMPT,
  readTextChoices,
  REPEATABLE,
  requireContinuation,
  requireTextBody,
  requireTextEvents,
  streamText,
} from "../support/completion-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const WITH_USAGE = { stream_options: { include_usage: true } };
const OWNED_BY_OTHER_CHECKS =
  /^(object|choices(\[\d+\]\.(index|finish_reason|logprobs(\..+)?))?|usage(\.(prompt|completion|total)_tokens)?)$/;
const EVENT = "OpenAPI createCompletion (streamed CreateCompletionResponse)";

function hasUsage({ usage }: JsonObject): boolean {
  return isJsonObject(usage);
}

export const completionStreamChecks: readonly Check[] = [
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.flushed",
    sharesAnswers: false,
    level: "should",
    requirement: "Texts are sent as they are made: of a stream that takes time the first bytes arrive before the last.",
    reference: "Chunked transfer, RFC 9112 section 7.1",
    breaks: "A buffering layer turns streaming into waiting.",
    async run(context) {
      const stream = async (tokens: number): Promise<Exchange> =>
        (await streamText(context, { ...REPEATABLE, prompt: COUNTING, max_tokens: tokens })).exchange;
      await expectFlushed({ long: () => stream(48), short: () => stream(1) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.content-type",
    requirement: "A streamed answer has status 200 and the content type text/event-stream.",
    reference: "HTML Living Standard, server-sent events",
    breaks: "Editors' completion plugins, browsers' EventSource, and proxies that buffer anything else.",
    async run(context) {
      const { exchange } = await streamText(context);
      if (exchange.response?.status !== 200) await requireTextBody(context);
      expectStatus(exchange, 200);
      expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.sdk-reads",
    requirement: "The SDK's iteration over a stream yields the text.",
    reference: "openai-node core/streaming.ts; resources/completions.ts",
    breaks: "openai-node and openai-python end with no event and no error when a JSON body comes instead of a stream.",
    async run(context) {
      if ((await requireContinuation(context)) === "") throw new Inconclusive("the model writes nothing", "model");
      const outcome = await streamText(context);
      assume("the stream is opened", answerOwners(outcome.exchange), () => expectStatus(outcome.exchange, 200));
      const text = expectSdkValue(outcome);
      expectThat(text !== "", { observer: "sdk", expected: "a text in choices[0].text", actual: "none" });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.choices-array",
    requirement: "`choices` is an array in every event, the usage event included.",
    reference: EVENT,
    breaks: "`event.choices[0]` of every program throws on null.",
    async run(context) {
      const { exchange } = await streamText(context, WITH_USAGE);
      assume("the stream is opened", answerOwners(exchange), () => expectStatus(exchange, 200));
      for (const event of assume("events of JSON", OWNERS.textEvents, () => jsonFrames(exchange))) {
        const actual = JSON.stringify(event);
        expectThat(Array.isArray(event["choices"]), { observer: "schema", expected: "an array of choices", actual });
      }
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.text-string",
    requirement: "Each choice of each event has a `text` that is a string, the last one included.",
    reference: `${EVENT}.choices.text; openai-python resources/completions.py`,
    breaks: '`text += event.choices[0].text` ends with "undefined" in JavaScript and raises TypeError in Python.',
    async run(context) {
      const { exchange } = await streamText(context);
      assume("the stream is opened", answerOwners(exchange), () => expectStatus(exchange, 200));
      for (const event of assume("events of JSON", OWNERS.textEvents, () => jsonFrames(exchange))) {
        const choices = Array.isArray(event["choices"]) ? event["choices"] : [];
        const holds = choices.every((choice) => isJsonObject(choice) && typeof choice["text"] === "string");
        expectThat(holds, { observer: "schema", expected: "a text in every choice", actual: JSON.stringify(event) });
      }
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.object",
    requirement: '`object` of every event is "text_completion".',
    reference: `${EVENT}.object`,
    breaks: "Proxies that dispatch on `object`; strict clients, for whom an event has the shape of an answer.",
    async run(context) {
      const values = (await requireTextEvents(context)).map(({ object }) => object);
      const holds = values.every((value) => value === "text_completion");
      const actual = JSON.stringify([...new Set(values)]);
      expectThat(holds, { observer: "schema", expected: "text_completion", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.shape",
    requirement: "Every field of every event that no other check is about has the documented type.",
    reference: EVENT,
    breaks: "Clients generated from the document end the stream with an error.",
    async run(context) {
      for (const event of await requireTextEvents(context)) {
        expectRestOfShape(event, createCompletionStreamResponseSchema, OWNED_BY_OTHER_CHECKS);
      }
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.same-id",
    level: "should",
    requirement: "All events of a stream have the same `id`.",
    reference: `${EVENT}.id`,
    breaks: "Accumulators and loggers take the pieces for answers of their own.",
    async run(context) {
      const ids = new Set((await requireTextEvents(context)).map(({ id }) => id));
      expectThat(ids.size === 1, { observer: "wire", expected: "one id", actual: JSON.stringify([...ids]) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.equals-one-shot",
    requirement: "At temperature 0 with a seed the streamed text is the non-streaming text.",
    reference: "OpenAPI CreateCompletionRequest.stream: the same answer in pieces",
    breaks: "Words are lost or doubled between two events, unseen by every client.",
    async run(context) {
      const oneShot = await requireContinuation(context, REPEATABLE);
      if (oneShot !== (await requireContinuation(context, REPEATABLE))) {
        throw new Inconclusive("non-streaming is not repeatable", "chance");
      }
      const streamed = joinTexts(await requireTextEvents(context, REPEATABLE));
      if (streamed === oneShot) return;
      const isChance = streamed !== joinTexts(await requireTextEvents(context, REPEATABLE));
      if (isChance) throw new Inconclusive("the stream is not repeatable", "chance");
      throw new Failure({
        observer: "wire",
        expected: JSON.stringify(oneShot),
        actual: JSON.stringify(streamed),
      });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.finish-once",
    requirement: "A choice has exactly one non-empty `finish_reason`, in its last event.",
    reference: `${EVENT}.choices.finish_reason`,
    breaks: "Clients end at the first one, or wait for one that never comes.",
    async run(context) {
      const choices = (await requireTextEvents(context)).flatMap((event) => event.choices);
      const at = choices.flatMap(({ finish_reason: reason }, position) => ((reason ?? "") === "" ? [] : [position]));
      const holds = at.length === 1 && at[0] === choices.length - 1;
      const actual = `at ${JSON.stringify(at)} of ${choices.length}`;
      expectThat(holds, { observer: "wire", expected: "one finish_reason, at the end", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.done",
    requirement: "The stream ends with `data: [DONE]`.",
    reference: "OpenAPI CreateCompletionRequest.stream: terminated by a data: [DONE] message",
    breaks: "Clients that wait for it hang, or call the answer cut.",
    async run(context) {
      const { exchange } = await streamText(context);
      assume("the stream is opened", answerOwners(exchange), () => expectStatus(exchange, 200));
      const data = sseFrames(exchange).flatMap((frame) => frame.data ?? []);
      expectThat(data.at(-1) === DONE, { observer: "wire", expected: DONE, actual: data.at(-1) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.usage",
    requirement: "With `include_usage` an event of the stream has a `usage` of three numbers.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage",
    breaks: "LiteLLM, LangChain and bills of streams count nothing.",
    async run(context) {
      const events = await requireTextEvents(context, WITH_USAGE);
      const last = events.findLast(hasUsage) ?? events.at(-1);
      const usage = isJsonObject(last?.["usage"]) ? last["usage"] : {};
      const counts = ["prompt_tokens", "completion_tokens", "total_tokens"].map((field) => usage[field]);
      const holds = counts.every((count) => Number.isInteger(count));
      expectThat(holds, { observer: "schema", expected: "usage with three counts", actual: JSON.stringify(last) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.usage-alone",
    level: "should",
    requirement: "With `include_usage` the event with the usage is the last one, and has `choices: []`.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage: the choices field will always be an empty array",
    breaks: "Programs written after the document wait for an event without choices to read the usage from.",
    async run(context) {
      const events = await requireTextEvents(context, WITH_USAGE);
      if (!events.some(hasUsage))
        throw new Inconclusive("no usage comes, which completions.stream.usage judges", OWNERS.textStreamUsage);
      const last = events.at(-1);
      const holds = last !== undefined && hasUsage(last) && last.choices.length === 0;
      expectThat(holds, { observer: "schema", expected: "choices [] and usage", actual: JSON.stringify(last) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.usage-only-when-asked",
    requirement: "Without `include_usage` no event has an empty `choices`.",
    reference: "OpenAPI ChatCompletionStreamOptions.include_usage",
    breaks: "`event.choices[0].text` of every program raises IndexError.",
    async run(context) {
      const empty = (await requireTextEvents(context)).find(({ choices }) => choices.length === 0);
      const actual = JSON.stringify(empty);
      expectThat(empty === undefined, { observer: "wire", expected: "a choice in every event", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.prompts",
    requirement: "Two prompts are streamed as the choices 0 and 1, each with a `finish_reason` of its own.",
    reference: "OpenAPI CreateCompletionRequest.prompt; CreateCompletionResponse.choices.index",
    breaks: "The texts of two prompts run into one.",
    async run(context) {
      const fields = { prompt: [COUNTING, OTHER_PROMPT] };
      const oneShot = await askText(context, fields);
      if (readTextChoices(oneShot).length !== 2)
        throw new Inconclusive("there are not two choices in non-streaming", OWNERS.textPrompts);
      const choices = (await requireTextEvents(context, fields)).flatMap((event) => event.choices);
      const ended = choices.filter(({ finish_reason: reason }) => (reason ?? "") !== "").map(({ index }) => index);
      const holds = [0, 1].every((index) => ended.filter((found) => found === index).length === 1);
      const seen = [...new Set(choices.map(({ index }) => index))];
      const actual = JSON.stringify({ indices: seen, ended });
      expectThat(holds && seen.length === 2, { observer: "wire", expected: "choices 0 and 1, each ended", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.echo",
    level: "should",
    tier: "forced",
    requirement: "With `echo` the streamed text begins with the prompt.",
    reference: "OpenAPI CreateCompletionRequest.echo",
    breaks: "The same call gives another text once it is streamed.",
    async run(context) {
      const exchange = await askText(context, { echo: true });
      throwIfUnsupported(exchange, "echo");
      const [choice] = readTextChoices(exchange);
      if (choice?.text.trimStart().startsWith(COUNTING) !== true)
        throw new Inconclusive("the prompt is not echoed", OWNERS.textEcho);
      const streamed = joinTexts(await requireTextEvents(context, { echo: true })).trimStart();
      const actual = JSON.stringify(streamed);
      expectThat(streamed.startsWith(COUNTING), { observer: "wire", expected: JSON.stringify(COUNTING), actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stream.logprobs",
    level: "should",
    requirement: "With `logprobs` the tokens of all events, joined, are the streamed text.",
    reference: `${EVENT}.choices.logprobs`,
    breaks: "A client that shows how sure the model is shows nothing, or another text.",
    async run(context) {
      const exchange = await askText(context, { logprobs: 1 });
      throwIfUnsupported(exchange, "logprobs");
      if (!isJsonObject(readTextChoices(exchange)[0]?.["logprobs"]))
        throw new Inconclusive("non-streaming has no logprobs", OWNERS.textScores);
      const events = await requireTextEvents(context, { logprobs: 1 });
      const lists = events.flatMap(({ choices }) => choices.map(({ logprobs }) => logprobs));
      const tokens = lists.flatMap((list) =>
        isJsonObject(list) && Array.isArray(list["tokens"]) ? list["tokens"] : [],
      );
      const [expected, actual] = [joinTexts(events), tokens.join("")];
      if (expected.includes("\uFFFD")) throw new Inconclusive("the model wrote parts of characters", "model");
      const holds = expected.trim() === actual.trim();
      expectThat(holds, { observer: "wire", expected: JSON.stringify(expected), actual: JSON.stringify(actual) });
    },
  }),
];
