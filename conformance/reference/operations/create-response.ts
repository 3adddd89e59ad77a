/**
 * Responses of the reference server: its rules, and the model of its chats behind it. What an account may go on from is
 * kept as long as the process lives.
 */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { composeChatLogprobs } from "../logprobs.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { ToolCall } from "../tool-answer.ts";
import { beginBackground, showUnended } from "./background.ts";
import { answerChat, type ChatAnswer, estimateTokens } from "./chat-answer.ts";
import { CHAT_RULES } from "./chat-rules.ts";
import { decodeJson } from "./decode-body.ts";
import { appendTurn, listConversation } from "./conversations.ts";
import { encodeItems } from "./items.ts";
import { findKept, findKeptItem, keepResponse } from "./kept-responses.ts";
import type { Answer, AnswerContext, Fields, ReferenceOperation } from "./operation.ts";
import { encodeResponseEvents, type OutputItem, type ResponseAnswer } from "./response-events.ts";
import { refuseParts } from "./response-rules.ts";
import { openSummary } from "./summary-seal.ts";

export const createResponse: ReferenceOperation<ResponseAnswer> = {
  isBilled: true,
  hasNamedEvents: true,
  // A client of this operation sends a request again that was answered with 404.
  unknownModelStatus: 400,
  decode: decodeJson,
  validate(request) {
    const { input, instructions, max_output_tokens: limit } = request;
    const refusal = CHAT_RULES.modelPresent(request) ?? CHAT_RULES.modelString(request);
    if (refusal !== null) return refusal;
    if (isAbsent(input)) return isAbsent(instructions) ? makeRefusal("missing_parameter", { param: "input" }) : null;
    if (typeof input !== "string" && !Array.isArray(input)) return makeRefusal("invalid_type", { param: "input" });
    if (!isAbsent(limit) && (typeof limit !== "number" || limit < 1)) {
      return makeRefusal("invalid_value", { param: "max_output_tokens" });
    }
    if (request["background"] === true && request["store"] === false) {
      return makeRefusal("invalid_value", { param: "background" });
    }
    return CHAT_RULES.temperatureRange(request) ?? refuseParts(request) ?? refuseLong(request);
  },
  serves: () => true,
  estimate: (request) => estimateTokens(composeChat(request, listItems(request))),
  answer: answerResponse,
  encode: ({ response }) => (response["background"] === true ? showUnended(response, "queued") : response),
  encodeStream: encodeResponseEvents,
};

/** @param change of what is answered, before it is kept */
export function answerResponse(
  request: Fields,
  context: AnswerContext,
  change: (answer: ResponseAnswer) => ResponseAnswer = (answer) => answer,
): ResponseAnswer | Refusal {
  const { account, number } = context;
  const turns = listTurns(request, account);
  if ("status" in turns) return turns;
  const { earlier, referred } = turns;
  const chat = answerChat(composeChat(request, fitItems(request, [...earlier, ...referred])), context);
  const id = `resp_reference_${number}`;
  const output = listOutput(chat, number);
  const conversation = readConversation(request);
  const response = {
    ...encodeResponse(request, { id, chat, output }),
    conversation: conversation === null ? null : { id: conversation },
  };
  const answered = change({ request, cost: chat.usage.completion_tokens, breaksAfter: null, response, output });
  if (request["store"] !== false) {
    const input = encodeItems(referred, String(number));
    const turn = [...input, ...answered.output.map(({ item }) => item)];
    const isStreamed = request["stream"] === true;
    // Whoever streams it sees its end.
    const background = request["background"] === true ? beginBackground(isStreamed ? "ended" : "running") : null;
    const events = encodeResponseEvents(answered);
    keepResponse(account, id, {
      response: answered.response,
      isStreamed,
      background,
      events,
      input,
      items: [...earlier, ...turn],
    });
    appendTurn(account, conversation, turn);
  }
  return answered;
}

/** How many tokens such a response reads. */
export const countInputTokens: ReferenceOperation<InputTokensAnswer> = {
  isBilled: false,
  unknownModelStatus: 400,
  decode: decodeJson,
  validate: (request) => createResponse.validate(request),
  serves: () => true,
  estimate: () => 0,
  answer(request, context) {
    const turns = listTurns(request, context.account);
    if ("status" in turns) return turns;
    const { usage } = answerChat(composeChat(request, [...turns.earlier, ...turns.referred]), context);
    return { request, cost: 0, breaksAfter: null, tokens: usage.prompt_tokens };
  },
  encode: ({ tokens }) => ({ object: "response.input_tokens", input_tokens: tokens }),
};

export interface InputTokensAnswer extends Answer {
  readonly tokens: number;
}

export interface Turns {
  readonly earlier: readonly JsonObject[];
  readonly referred: readonly JsonObject[];
}

/** What was said before, and what the request says, its references resolved. */
export function listTurns(request: Fields, account: string): Turns | Refusal {
  const earlier = listEarlier(request, account);
  if ("status" in earlier) return earlier;
  const referred = listItems(request).map((item) =>
    item["type"] === "item_reference" ? findKeptItem(account, item["id"]) : item,
  );
  if (!referred.every((item) => item !== undefined)) return makeRefusal("item_not_found", { param: "input" });
  if (!referred.every((item) => isReadable(item, account))) return makeRefusal("invalid_value", { param: "input" });
  return { earlier: earlier.items, referred };
}

/** Whether it is no compaction, or one that this account got here. */
function isReadable({ type, encrypted_content: sealed }: JsonObject, account: string): boolean {
  return type !== "compaction" || openSummary(sealed)?.account === account;
}

/** What the request goes on from. */
function listEarlier(request: Fields, account: string): { readonly items: readonly JsonObject[] } | Refusal {
  const { previous_response_id: previous } = request;
  const conversation = readConversation(request);
  if (conversation !== null) {
    const items = listConversation(account, conversation);
    return items === null ? makeRefusal("not_found", { param: "conversation" }) : { items };
  }
  if (isAbsent(previous)) return { items: [] };
  const found = findKept(account, previous);
  return found ?? makeRefusal("previous_response_not_found", { param: "previous_response_id" });
}

function readConversation({ conversation }: Fields): unknown {
  return isJsonObject(conversation) ? conversation["id"] : (conversation ?? null);
}

function refuseLong(request: Fields): Refusal | null {
  const refusal = CHAT_RULES.messagesFit(composeChat(request, fitItems(request, listItems(request))));
  return refusal === null ? null : { ...refusal, param: "input" };
}

/** Without the oldest of too many, where the request says so. The last one stays. */
function fitItems(request: Fields, items: readonly JsonObject[]): readonly JsonObject[] {
  if (request["truncation"] !== "auto") return items;
  const first = items.findIndex(
    (_, index) => CHAT_RULES.messagesFit(composeChat(request, items.slice(index))) === null,
  );
  return items.slice(first);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function listItems({ input }: Fields): readonly JsonObject[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : [input].flat().filter(isJsonObject);
}

/** The request as one of a chat, with what it goes on from and its own items. */
export function composeChat(request: Fields, items: readonly JsonObject[]): Fields {
  const { instructions, max_output_tokens: limit, text, tools, tool_choice: choice, model, temperature } = request;
  const system = typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  const format = isJsonObject(text) && isJsonObject(text["format"]) ? text["format"] : { type: "text" };
  return {
    model,
    temperature,
    ...(isAbsent(limit) ? {} : { max_tokens: limit }),
    messages: [...system, ...items.flatMap(composeMessages)],
    parallel_tool_calls: request["parallel_tool_calls"],
    tools: objectsOf(tools).flatMap(composeTool),
    tool_choice: isJsonObject(choice) ? composeChoice(choice) : choice,
    response_format: format["type"] === "json_schema" ? { type: "json_schema", json_schema: format } : format,
    ...readLogprobs(request),
  };
}

/** Tools that this server can't run itself are left out. */
function composeTool({ type, name, parameters }: JsonObject): readonly JsonObject[] {
  if (type === "function") return [{ type, function: { name, parameters } }];
  return type === "custom" ? [{ type, custom: { name } }] : [];
}

function composeChoice({ type, name, mode, tools }: JsonObject): JsonObject {
  if (type !== "allowed_tools") return { type: "function", function: { name } };
  const named = objectsOf(tools).map((tool) => ({ type: "function", function: { name: tool["name"] } }));
  return { type, allowed_tools: { mode, tools: named } };
}

function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function readLogprobs({ include, top_logprobs: top }: Fields): Fields {
  const isAsked = Array.isArray(include) && include.includes("message.output_text.logprobs");
  return isAsked ? { logprobs: true, top_logprobs: top ?? 0 } : {};
}

function composeMessages(item: JsonObject): readonly JsonObject[] {
  const { type, role, content, call_id: id, output } = item;
  // What is called counts as what is said.
  if (type === "function_call") return [{ role: "assistant", content: item["arguments"] }];
  if (type === "function_call_output") return [{ role: "tool", tool_call_id: id, content: joinTexts(output) }];
  const summary = type === "compaction" ? openSummary(item["encrypted_content"]) : null;
  if (summary !== null) return [{ role: "assistant", content: summary.text }];
  return role === undefined ? [] : [{ role, content: joinTexts(content) }];
}

function joinTexts(content: unknown): string {
  if (typeof content === "string") return content;
  return [content]
    .flat()
    .map((part) => (isJsonObject(part) ? String(part["text"]) : ""))
    .join(" ");
}

function listOutput({ choices, alternatives }: ChatAnswer, number: number): readonly OutputItem[] {
  const [choice] = choices;
  if (choice === undefined) return [];
  const status = choice.finishReason === "length" ? "incomplete" : "completed";
  if (choice.calls.length > 0) return choice.calls.map((call, index) => encodeCall(call, `${number}_${index}`, status));
  const logprobs = composeChatLogprobs(choice.words, alternatives)?.content ?? [];
  const part = { type: "output_text", text: choice.words.join(""), annotations: [], logprobs };
  const item = { id: `msg_reference_${number}`, type: "message", status, role: "assistant", content: [part] };
  return [{ item, pieces: choice.words }];
}

function encodeCall({ id, type, name, pieces }: ToolCall, slug: string, status: string): OutputItem {
  if (type === "custom") {
    const custom = { id: `ctc_reference_${slug}`, type: "custom_tool_call", status, call_id: id, name };
    return { item: { ...custom, input: pieces.join("") }, pieces };
  }
  const item = { id: `fc_reference_${slug}`, type: "function_call", status, call_id: id, name };
  return { item: { ...item, arguments: pieces.join("") }, pieces };
}

interface Encoded {
  readonly id: string;
  readonly chat: ChatAnswer;
  readonly output: readonly OutputItem[];
}

function encodeResponse(request: Fields, { id, chat, output }: Encoded): JsonObject {
  const isCut = chat.choices.some(({ finishReason }) => finishReason === "length");
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: totalTokens } = chat.usage;
  return {
    id,
    object: "response",
    created_at: chat.created,
    status: isCut ? "incomplete" : "completed",
    background: request["background"] === true,
    completed_at: isCut ? null : chat.created,
    error: null,
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    instructions: request["instructions"] ?? null,
    max_output_tokens: request["max_output_tokens"] ?? null,
    max_tool_calls: request["max_tool_calls"] ?? null,
    model: chat.model,
    output: output.map(({ item }) => item),
    parallel_tool_calls: request["parallel_tool_calls"] ?? true,
    previous_response_id: request["previous_response_id"] ?? null,
    prompt_cache_key: request["prompt_cache_key"] ?? null,
    reasoning: request["reasoning"] ?? null,
    safety_identifier: request["safety_identifier"] ?? null,
    service_tier: "default",
    store: request["store"] ?? true,
    temperature: request["temperature"] ?? 1,
    text: { format: { type: "text" }, ...(isJsonObject(request["text"]) ? request["text"] : {}) },
    tool_choice: request["tool_choice"] ?? "auto",
    tools: request["tools"] ?? [],
    top_logprobs: request["top_logprobs"] ?? 0,
    top_p: request["top_p"] ?? 1,
    truncation: request["truncation"] ?? "disabled",
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: totalTokens,
    },
    metadata: request["metadata"] ?? {},
  };
}
