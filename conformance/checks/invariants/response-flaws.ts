/** What is wrong with an answer of `POST /responses`. The events of a stream: `response-stream-flaws.ts`. */

import { responseSchema } from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { AskedFor } from "./chat-flaws.ts";
import {
  flaw,
  type Flaw,
  isRecentSeconds,
  listShapeFlaws,
  listTokenFlaws,
  must,
  objectsOf,
  readAnswer,
  should,
} from "./flaws.ts";

export function listResponseFlaws(exchange: Exchange, asked: AskedFor): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  return [...flaws, ...listBodyFlaws(body, asked)];
}

/** Of a response that has ended, as an answer or in the last event of a stream. */
export function listBodyFlaws(body: JsonObject, asked: AskedFor): readonly Flaw[] {
  const items = objectsOf(body["output"]);
  const ids = items.flatMap(({ id }) => (typeof id === "string" ? id : []));
  return [
    ...listShapeFlaws(body, responseSchema),
    ...listResponseHeadFlaws(body),
    ...listEndFlaws(body),
    ...must(items.length > 0, "an item of output", body["output"]),
    ...must(new Set(ids).size === ids.length, "an id of its own for each item", ids),
    ...items.flatMap((item) => listItemFlaws(item, asked)),
    ...listResponseUsageFlaws(body["usage"], { hasOutput: items.some(hasContent), asked }),
    ...listEchoFlaws(body, asked),
  ];
}

/** What a response says of itself, from its first event on. */
export function listResponseHeadFlaws({ id, object, created_at: created, model }: JsonObject): readonly Flaw[] {
  return [
    ...must(typeof id === "string" && id !== "", "an id", id),
    ...must(object === "response", "the object response", object),
    ...must(isRecentSeconds(created), "`created_at` in seconds, of today", created),
    ...must(typeof model === "string" && model !== "", "the name of the model", model),
  ];
}

/** How a response ended: no model fails a well-formed request by itself. */
function listEndFlaws({ status, incomplete_details: details, error, completed_at: completed }: JsonObject) {
  const reason = isJsonObject(details) ? details["reason"] : undefined;
  const isComplete = status === "completed";
  return [
    ...must(isComplete || status === "incomplete", "the status completed or incomplete", status),
    ...must((error ?? null) === null, "no error", error),
    ...must(isComplete || typeof reason === "string", "the reason of an incomplete response", details),
    ...must(!isComplete || (details ?? null) === null, "no reason in a complete response", details),
    ...should(
      completed === undefined || !isComplete || typeof completed === "number",
      "the time of its end",
      completed,
    ),
  ];
}

function listItemFlaws(item: JsonObject, asked: AskedFor): readonly Flaw[] {
  const { id, type, status } = item;
  return [
    ...must(typeof id === "string" && id !== "", "an id of the item", item),
    // Items of tools that a server runs itself, and reasoning, may have none.
    ...must(
      !["message", "function_call"].some((one) => one === type) || ENDED.includes(status),
      "the status completed or incomplete of an item",
      item,
    ),
    ...(type === "message" ? listMessageFlaws(item, asked) : []),
    ...(type === "function_call" ? listCallFlaws(item) : []),
  ];
}

const ENDED: readonly unknown[] = ["completed", "incomplete"];

function listMessageFlaws({ role, content }: JsonObject, { fields }: AskedFor): readonly Flaw[] {
  const parts = objectsOf(content);
  const include = Array.isArray(fields["include"]) ? fields["include"] : [];
  const top = fields["top_logprobs"];
  return [
    ...must(role === "assistant", "the role assistant", role),
    ...parts.flatMap(({ type, text, logprobs }) =>
      type !== "output_text" || typeof text !== "string" || text === "" || !include.includes(LOGPROBS)
        ? []
        : listTokenFlaws(objectsOf(logprobs), text, typeof top === "number" ? top : 0),
    ),
  ];
}

const LOGPROBS = "message.output_text.logprobs";

function listCallFlaws({ call_id: callId, name, arguments: text, status }: JsonObject): readonly Flaw[] {
  return [
    ...must(typeof callId === "string" && callId !== "", "the `call_id` of a call", callId),
    ...must(typeof name === "string" && name !== "", "the name of the function", name),
    ...must(status === "incomplete" || isJson(text), "arguments that are JSON", text),
  ];
}

function isJson(text: unknown): boolean {
  try {
    JSON.parse(String(text));
    return typeof text === "string";
  } catch {
    return false;
  }
}

function hasContent({ type, content }: JsonObject): boolean {
  return type !== "message" || objectsOf(content).some(({ text }) => Boolean(text));
}

interface UsageFacts {
  readonly hasOutput: boolean;
  readonly asked: AskedFor;
}

function listResponseUsageFlaws(usage: unknown, { hasOutput, asked }: UsageFacts): readonly Flaw[] {
  if (!isJsonObject(usage)) return [flaw("must", "usage", usage)];
  const { input_tokens: input, output_tokens: output, total_tokens: total } = usage;
  if (typeof input !== "number" || typeof output !== "number" || typeof total !== "number") {
    return [flaw("must", "three numbers of tokens", usage)];
  }
  const cached = readDetail(usage["input_tokens_details"], "cached_tokens");
  const reasoned = readDetail(usage["output_tokens_details"], "reasoning_tokens");
  const { max_output_tokens: most } = asked.fields;
  return [
    ...must(total === input + output, "a total that is the sum", usage),
    ...must(input > 0, "tokens of the input", usage),
    ...must(output > 0 || !hasOutput, "tokens of the output", usage),
    ...must(typeof most !== "number" || output <= most, `at most ${String(most)} tokens of output`, usage),
    ...must(cached !== null && cached <= input, "cached tokens of the input", usage),
    ...must(reasoned !== null && reasoned <= output, "reasoning tokens of the output", usage),
  ];
}

function readDetail(details: unknown, name: string): number | null {
  const value = isJsonObject(details) ? details[name] : undefined;
  return typeof value === "number" && value >= 0 ? value : null;
}

/** Repeated as they were sent, where they were. */
const ECHOED = [
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "metadata",
  "parallel_tool_calls",
  "previous_response_id",
  "temperature",
  "top_p",
  "truncation",
  "prompt_cache_key",
  "safety_identifier",
  "store",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
] as const;

/** What it is where nothing was sent. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  instructions: null,
  parallel_tool_calls: true,
  tool_choice: "auto",
  tools: [],
};

export function listEchoFlaws(body: JsonObject, { fields }: AskedFor): readonly Flaw[] {
  const sent = ECHOED.filter((name) => (fields[name] ?? null) !== null);
  const unsent = Object.keys(DEFAULTS).filter((name) => !(name in fields));
  return [
    ...should(
      body["background"] !== true || fields["background"] === true,
      "no background unless asked",
      body["background"],
    ),
    ...sent.flatMap((name) => should(holds(body[name], fields[name]), `the ${name} of the request`, body[name])),
    ...unsent.flatMap((name) => should(isEqual(body[name], DEFAULTS[name]), `the default of ${name}`, body[name])),
  ];
}

/** What was sent, with the defaults of what was not. */
function holds(told: unknown, sent: unknown): boolean {
  if (Array.isArray(sent)) {
    return Array.isArray(told) && told.length === sent.length && sent.every((one, place) => holds(told[place], one));
  }
  if (!isJsonObject(sent)) return told === sent;
  return isJsonObject(told) && Object.entries(sent).every(([name, value]) => holds(told[name], value));
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
