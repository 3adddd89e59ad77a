/** What is wrong with an answer of chat, whole or streamed. */

import { createChatCompletionResponseSchema, createChatCompletionStreamResponseSchema } from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import {
  flaw,
  type Flaw,
  listHeadFlaws,
  listIndexFlaws,
  listSameFlaws,
  listShapeFlaws,
  listTokenFlaws,
  listUsageFlaws,
  objectsOf,
  readAnswer,
  readStream,
  must,
  mustHaveUsage,
  should,
} from "./flaws.ts";
import { OWNERS } from "../support/owners.ts";

/** What was asked for, as far as an answer depends on it. */
export interface AskedFor {
  readonly fields: JsonObject;
}

const REASONS: readonly unknown[] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

export function listChatFlaws(exchange: Exchange, asked: AskedFor): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const choices = objectsOf(body["choices"]);
  const messages = choices.map(({ message }) => (isJsonObject(message) ? message : {}));
  const { max_tokens: limit, n } = asked.fields;
  const count = typeof n === "number" ? n : 1;
  const tokens = asked.fields["logprobs"] === true ? countTokens(choices) : undefined;
  const hasText = messages.some(({ content, tool_calls: calls }) => Boolean(content) || objectsOf(calls).length > 0);
  return [
    ...flaws,
    ...listShapeFlaws(body, createChatCompletionResponseSchema),
    ...listHeadFlaws(body, "chat.completion"),
    ...listIndexFlaws(choices, count),
    ...choices.flatMap((choice) => listChoiceFlaws(choice, asked)),
    ...listUsageFlaws(body["usage"], { hasText, tokens, most: typeof limit === "number" ? limit * count : undefined }),
  ];
}

function listChoiceFlaws(choice: JsonObject, asked: AskedFor): readonly Flaw[] {
  const { message, finish_reason: reason } = choice;
  if (!isJsonObject(message)) return [flaw("must", "a message", message)];
  const { role, content, refusal, tool_calls: calls, function_call: call } = message;
  const hasOther = objectsOf(calls).length > 0 || isJsonObject(call) || typeof refusal === "string" || message["audio"];
  return [
    ...must(role === "assistant", "the role assistant", role),
    ...must(REASONS.includes(reason), "a known reason to finish", reason),
    // A model may have reasoned up to its limit.
    ...must(
      typeof content === "string" || Boolean(hasOther) || typeof message["reasoning_content"] === "string",
      "a text or calls",
      message,
    ),
    ...objectsOf(calls).flatMap(listCallFlaws),
    ...listLogprobsOf(choice, typeof content === "string" ? content : "", asked),
  ];
}

function listCallFlaws(call: JsonObject): readonly Flaw[] {
  const { id, type, function: called } = call;
  if (type === "custom") return must(typeof id === "string" && id !== "", "an id of the call", call);
  if (!isJsonObject(called)) return [flaw("must", "a function", call)];
  return [
    ...must(typeof id === "string" && id !== "", "an id of the call", call),
    ...must(typeof called["name"] === "string" && called["name"] !== "", "a name of the function", call),
    ...must(typeof called["arguments"] === "string", "arguments that are a text", call),
  ];
}

function listLogprobsOf(choice: JsonObject, text: string, { fields }: AskedFor): readonly Flaw[] {
  const { logprobs } = choice;
  const wants = fields["logprobs"] === true;
  if (!wants) return should((logprobs ?? null) === null, "no logprobs, unless they are asked for", logprobs);
  if (text === "") return [];
  if (!isJsonObject(logprobs) || !Array.isArray(logprobs["content"]))
    return [flaw("must", "logprobs of the text", logprobs)];
  const { top_logprobs: top } = fields;
  return listTokenFlaws(objectsOf(logprobs["content"]), text, typeof top === "number" ? top : 0);
}

function countTokens(choices: readonly JsonObject[]): number {
  return choices
    .map(({ logprobs }) => (isJsonObject(logprobs) ? objectsOf(logprobs["content"]).length : 0))
    .reduce((sum, length) => sum + length, 0);
}

export function listChatStreamFlaws(exchange: Exchange, asked: AskedFor): readonly Flaw[] {
  const { events, flaws } = readStream(exchange, true);
  const { n, stream_options: options } = asked.fields;
  const indexes = [...Array.from({ length: typeof n === "number" ? n : 1 }).keys()];
  const wantsUsage = isJsonObject(options) && options["include_usage"] === true;
  const named = events.filter(({ choices, id }) => objectsOf(choices).length > 0 || id !== "");
  const all = events.flatMap(({ choices }) => objectsOf(choices));
  const strays = all.filter(({ index }) => !indexes.some((known) => known === index));
  return [
    ...flaws,
    ...events.flatMap((event) => listShapeFlaws(event, createChatCompletionStreamResponseSchema)).slice(0, 1),
    ...listSameFlaws(named, "must"),
    ...named.slice(0, 1).flatMap((event) => listHeadFlaws(event, "chat.completion.chunk")),
    ...must(strays.length === 0, "indexes of choices that were asked for", strays[0]),
    ...indexes.flatMap((index) =>
      listStreamedChoice(
        all.filter((choice) => choice["index"] === index),
        asked,
      ),
    ),
    ...listStreamedUsage(events, { wantsUsage, asked, all }),
  ];
}

function listStreamedChoice(pieces: readonly JsonObject[], asked: AskedFor): readonly Flaw[] {
  const finished = pieces.filter(({ finish_reason: reason }) => (reason ?? null) !== null);
  const last = pieces.findIndex(({ finish_reason: reason }) => (reason ?? null) !== null);
  const deltas = pieces.map(({ delta }) => (isJsonObject(delta) ? delta : {}));
  const texts = deltas.map(({ content }) => (typeof content === "string" ? content : ""));
  const starts = deltas.filter(({ role }) => (role ?? null) !== null);
  const later = deltas.slice(last + 1).filter(({ content, tool_calls: calls }) => Boolean(content) || Boolean(calls));
  const entries = pieces.flatMap(({ logprobs }) => (isJsonObject(logprobs) ? objectsOf(logprobs["content"]) : []));
  const text = texts.join("");
  const { logprobs: wants, top_logprobs: top } = asked.fields;
  return [
    ...must(finished.length === 1, "one reason to finish", `${finished.length}`),
    ...must(
      finished.every(({ finish_reason: reason }) => REASONS.includes(reason)),
      "a known reason to finish",
      finished[0],
    ),
    ...must(last === -1 || later.length === 0, "nothing of a choice after its end", later[0]),
    ...should(deltas[0]?.["role"] === "assistant", "the role in the first event", pieces[0]),
    ...must(
      starts.every(({ role }) => role === "assistant"),
      "the role assistant",
      starts,
    ),
    ...listStreamedCalls(
      deltas.flatMap(({ tool_calls: calls }) => objectsOf(calls)),
      finished[0]?.["finish_reason"] === "length",
    ),
    ...(wants === true && text !== ""
      ? listTokenFlaws(entries, text, typeof top === "number" ? top : 0)
      : should(wants === true || entries.length === 0, "no logprobs, unless they are asked for", entries[0])),
  ];
}

/** @param isCut whether the limit of tokens ended the calls */
function listStreamedCalls(pieces: readonly JsonObject[], isCut: boolean): readonly Flaw[] {
  const indexes = [...new Set(pieces.map(({ index }) => index))];
  return [
    ...must(
      indexes.every((index, place) => index === place),
      "calls 0, 1, 2 … in order",
      indexes,
    ),
    ...indexes.flatMap((index) => {
      const own = pieces.filter((piece) => piece["index"] === index);
      const [first] = own;
      const parts = own.map(({ function: called, custom }) =>
        isJsonObject(called) ? called["arguments"] : isJsonObject(custom) ? custom["input"] : undefined,
      );
      const name = [first?.["function"], first?.["custom"]].flatMap((called) =>
        isJsonObject(called) ? called["name"] : [],
      );
      const isFunction = isJsonObject(first?.["function"]);
      return [
        ...must(typeof first?.["id"] === "string" && first["id"] !== "", "an id in the first piece of a call", first),
        ...must(
          new Set(own.flatMap(({ id }) => (typeof id === "string" && id !== "" ? id : []))).size <= 1,
          "one id of a call",
          own.map(({ id }) => id),
        ),
        ...must(
          name.some((one) => typeof one === "string" && one !== ""),
          "a name in the first piece of a call",
          first,
        ),
        ...should(
          own.every(({ type }) => type === undefined || type === null || type === "" || type === first?.["type"]),
          "one type of a call",
          own[0],
        ),
        ...should(
          ["function", "custom"].some((type) => type === first?.["type"]),
          "a type in the first piece of a call",
          first,
        ),
        ...must(
          parts.every((part) => part === undefined || part === null || typeof part === "string"),
          "arguments that are a text",
          parts.find((part) => typeof part !== "string"),
        ),
        ...must(
          !isFunction || isCut || isJson(parts.join("")),
          "arguments that are JSON when put together",
          parts.join(""),
        ),
      ];
    }),
  ];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface Usage {
  readonly wantsUsage: boolean;
  readonly asked: AskedFor;
  readonly all: readonly JsonObject[];
}

function listStreamedUsage(events: readonly JsonObject[], { wantsUsage, asked, all }: Usage): readonly Flaw[] {
  const used = events.filter(({ usage }) => (usage ?? null) !== null);
  if (!wantsUsage) {
    const empty = events.find(({ choices }) => Array.isArray(choices) && choices.length === 0);
    // What filters a prompt writes an event of its own before the first choice.
    return must(empty === undefined || empty === events[0], "a choice in each event", empty);
  }
  const hasText = all.some(
    ({ delta }) => isJsonObject(delta) && (Boolean(delta["content"]) || Boolean(delta["tool_calls"])),
  );
  const entries = all.flatMap(({ logprobs }) => (isJsonObject(logprobs) ? objectsOf(logprobs["content"]) : []));
  const { max_tokens: limit, n, logprobs } = asked.fields;
  const count = typeof n === "number" ? n : 1;
  return [
    ...mustHaveUsage(events, OWNERS.streamUsage),
    ...should(used.length <= 1, "one event with usage", `${used.length}`),
    ...should(used.length === 0 || used.at(-1) === events.at(-1), "usage in the last event", events.at(-1)),
    ...used.slice(-1).flatMap(({ usage }) =>
      listUsageFlaws(usage, {
        hasText,
        tokens: logprobs === true ? entries.length : undefined,
        most: typeof limit === "number" ? limit * count : undefined,
      }),
    ),
  ];
}
