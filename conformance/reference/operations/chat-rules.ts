/**
 * What the reference server demands of a chat request: one named rule per requirement, so that a mutant can drop one.
 */

import { makeRefusal, type Refusal } from "../refusal.ts";
import type { Fields } from "./operation.ts";

export type ChatBody = Fields;
export type Rule = (body: ChatBody) => Refusal | null;
/** Asked in this order; the first refusal counts. */
export type ChatRules = Readonly<Record<RuleName, Rule> & Record<string, Rule>>;
export type RuleName =
  | "modelPresent"
  | "modelString"
  | "messagesPresent"
  | "messagesArray"
  | "messagesNotEmpty"
  | "messageObjects"
  | "roleKnown"
  | "resultsHaveCalls"
  | "callsHaveResults"
  | "messagesFit"
  | "temperatureRange"
  | "maxTokensType"
  | "choicesRange"
  | "topLogprobsRange"
  | "topNeedsLogprobs"
  | "biasRange"
  | "presencePenaltyRange"
  | "frequencyPenaltyRange"
  | "nucleusRange"
  | "stopsRange"
  | "streamOptionsType";

/** A token is a word here, and a model reads so many. */
export const PROMPT_TOKENS_MAX = 8192;

const ROLES: readonly unknown[] = ["system", "developer", "user", "assistant", "tool", "function"];

export const CHAT_RULES: Readonly<Record<RuleName, Rule>> = {
  modelPresent: (body) => (isAbsent(body["model"]) ? makeRefusal("missing_parameter", { param: "model" }) : null),
  modelString: (body) =>
    isAbsent(body["model"]) || typeof body["model"] === "string"
      ? null
      : makeRefusal("invalid_type", { param: "model" }),
  messagesPresent: (body) =>
    isAbsent(body["messages"]) ? makeRefusal("missing_parameter", { param: "messages" }) : null,
  messagesArray: (body) =>
    isAbsent(body["messages"]) || Array.isArray(body["messages"])
      ? null
      : makeRefusal("invalid_type", { param: "messages" }),
  messagesNotEmpty: (body) =>
    Array.isArray(body["messages"]) && body["messages"].length === 0
      ? makeRefusal("invalid_value", { param: "messages" })
      : null,
  messageObjects: (body) =>
    readMessages(body).length === listMessages(body).length
      ? null
      : makeRefusal("invalid_type", { param: "messages[0]" }),
  roleKnown: (body) => {
    const wrong = readMessages(body).findIndex((message) => !ROLES.includes(message["role"]));
    return wrong === -1 ? null : makeRefusal("invalid_value", { param: `messages[${wrong}].role` });
  },
  resultsHaveCalls: (body) => {
    const messages = readMessages(body);
    const stray = messages.findIndex(
      (message, index) =>
        message["role"] === "tool" && !listCallIds(messages.slice(0, index)).has(message["tool_call_id"]),
    );
    return stray === -1 ? null : makeRefusal("invalid_value", { param: `messages[${stray}].role` });
  },
  callsHaveResults: (body) => {
    const messages = readMessages(body);
    const results = new Set(messages.map((message) => message["tool_call_id"]));
    const isAnswered = [...listCallIds(messages)].every((id) => results.has(id));
    return isAnswered ? null : makeRefusal("invalid_value", { param: "messages" });
  },
  messagesFit: (body) => {
    const texts = readMessages(body).flatMap(({ content }) => (typeof content === "string" ? content : []));
    const tokens = texts.reduce((sum, text) => sum + (text.match(/\S+/g) ?? []).length, 0);
    return tokens > PROMPT_TOKENS_MAX ? makeRefusal("context_length_exceeded", { param: "messages" }) : null;
  },
  temperatureRange: (body) => checkNumber(body, "temperature", { min: 0, max: 2 }),
  maxTokensType: (body) =>
    checkNumber(body, "max_tokens", { min: 1, max: 2 ** 31 }) ??
    checkNumber(body, "max_completion_tokens", { min: 1, max: 2 ** 31 }),
  choicesRange: (body) => checkNumber(body, "n", { min: 1, max: 128 }),
  topLogprobsRange: (body) => checkNumber(body, "top_logprobs", { min: 0, max: 20 }),
  topNeedsLogprobs: (body) =>
    isAbsent(body["top_logprobs"]) || body["logprobs"] === true
      ? null
      : makeRefusal("invalid_value", { param: "top_logprobs" }),
  biasRange: (body) =>
    Object.values(body["logit_bias"] ?? {}).every((bias) => Math.abs(Number(bias)) <= 100)
      ? null
      : makeRefusal("invalid_value", { param: "logit_bias" }),
  presencePenaltyRange: (body) => checkNumber(body, "presence_penalty", { min: -2, max: 2 }),
  frequencyPenaltyRange: (body) => checkNumber(body, "frequency_penalty", { min: -2, max: 2 }),
  nucleusRange: (body) => checkNumber(body, "top_p", { min: 0, max: 1 }),
  stopsRange: checkStops,
  streamOptionsType: checkStreamOptions,
};

const STOPS_MAX = 4;

/** At most four sequences. */
export function checkStops({ stop }: ChatBody): Refusal | null {
  return Array.isArray(stop) && stop.length > STOPS_MAX ? makeRefusal("invalid_value", { param: "stop" }) : null;
}

/** Options of a stream; without one nobody looks at them. */
export function checkStreamOptions({ stream, stream_options: options }: ChatBody): Refusal | null {
  if (isAbsent(options)) return null;
  const wants =
    typeof options === "object" && options !== null && "include_usage" in options ? options.include_usage : null;
  const isKnown = wants === null || typeof wants === "boolean";
  return stream !== true || isKnown ? null : makeRefusal("invalid_value", { param: "stream_options" });
}

/** The messages that are objects; nothing else is looked at. */
export function readMessages(body: ChatBody): readonly Readonly<Record<string, unknown>>[] {
  return listMessages(body).filter(
    (message): message is Record<string, unknown> =>
      typeof message === "object" && message !== null && !Array.isArray(message),
  );
}

function listCallIds(messages: readonly ChatBody[]): ReadonlySet<unknown> {
  const calls = messages.flatMap((message) => message["tool_calls"] ?? []);
  return new Set(calls.map((call: { readonly id?: unknown }) => call.id));
}

function listMessages(body: ChatBody): readonly unknown[] {
  return Array.isArray(body["messages"]) ? body["messages"] : [];
}

export function checkNumber(body: ChatBody, param: string, range: { min: number; max: number }): Refusal | null {
  const value = body[param];
  if (isAbsent(value)) return null;
  if (typeof value !== "number") return makeRefusal("invalid_type", { param });
  return value < range.min || value > range.max ? makeRefusal("invalid_value", { param }) : null;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
