/** What is sent to look at all of an answer: requests with the options that change what it holds. */

import type { JsonObject } from "../../src/expect.ts";
import { userMessage } from "../support/chat-calls.ts";

const messages = (text: string): JsonObject => ({ messages: [userMessage(text)] });

function composeParameters(lot: string, name = "lot"): JsonObject {
  return {
    type: "object",
    properties: { [name]: { type: "string", enum: [lot] } },
    required: [name],
    additionalProperties: false,
  };
}

/** A request that has to be answered by a call of this tool, with the one argument that it takes. */
function force(name: string, lot: string) {
  const tool = { type: "function", function: { name, parameters: composeParameters(lot), strict: true } };
  return { tools: [tool], tool_choice: { type: "function", function: { name } }, max_tokens: 128 };
}

export const FORCED = force("file_report", "zq-7301");
export const OTHER_FORCED = force("close_gate", "gate-kx-19-north");

/** A tool whose input is any text; servers may know none. */
export const CUSTOM = {
  tools: [{ type: "custom", custom: { name: "write_note", description: "Writes a note." } }],
  tool_choice: { type: "custom", custom: { name: "write_note" } },
  max_tokens: 40,
};

export const CHAT_VARIANTS: readonly JsonObject[] = [
  messages("Write one sentence about the sea."),
  messages("Write two sentences about the mountains, please."),
  { ...messages("Count from 1 to 200, all numbers, separated by blanks."), max_tokens: 24 },
  { ...messages("Write one sentence about the sea."), logprobs: true, top_logprobs: 3 },
  { ...messages("Write two sentences about the mountains, please."), logprobs: true, top_logprobs: 2 },
  { ...messages("Write one sentence about rain."), logprobs: true },
  { ...messages("Write one sentence about the sea."), n: 2 },
  { ...messages("Write one sentence about rain."), n: 2, logprobs: true, top_logprobs: 1 },
  { ...messages("Write one sentence about rain."), n: 2, logprobs: true },
  { ...messages("Write one sentence about the sea."), ...FORCED },
  { ...messages("Write one sentence about the sea."), ...OTHER_FORCED },
  {
    ...messages("Call file_report and call close_gate now, each of them once."),
    tools: [FORCED, OTHER_FORCED].flatMap(({ tools }) => tools),
    tool_choice: "required",
    max_tokens: 128,
  },
  { ...messages("Write one sentence about the sea."), ...CUSTOM },
];

export const TEXT_VARIANTS: readonly JsonObject[] = [
  { prompt: "The sea is" },
  { prompt: "Monday, Tuesday, Wednesday, Thursday," },
  { prompt: "1, 2, 3, 4, 5, 6, 7,", logprobs: 2, max_tokens: 24 },
  { prompt: "Monday, Tuesday, Wednesday, Thursday,", logprobs: 2 },
  { prompt: "The sea is", logprobs: 5 },
  { prompt: "The sea is", logprobs: 0 },
  { prompt: "The sea is", echo: true, logprobs: 1 },
  { prompt: "The sea is", n: 2 },
  { prompt: "1, 2, 3, 4, 5, 6, 7,", n: 2, logprobs: 1 },
];

const GATE_TOOL = {
  type: "function",
  name: "close_gate",
  description: "Closes a gate.",
  strict: false,
  parameters: composeParameters("gate-kx-19-north", "gate"),
};

export const RESPONSE_VARIANTS: readonly JsonObject[] = [
  { input: "Write one sentence about the sea." },
  { input: [userMessage("Write two sentences about the mountains, please.")] },
  { input: "Count from 1 to 200, all numbers, separated by blanks.", max_output_tokens: 24 },
  {
    input: "Write one sentence about rain.",
    instructions: "Be brief.",
    temperature: 0.5,
    top_p: 0.75,
    metadata: { topic: "zq-7301" },
    truncation: "disabled",
    parallel_tool_calls: false,
    max_tool_calls: 3,
    store: false,
  },
  { input: "Write one sentence about the sea.", include: ["message.output_text.logprobs"], top_logprobs: 2 },
  {
    input: "Write one sentence about the sea.",
    tools: [{ type: "function", name: "file_report", strict: true, parameters: composeParameters("zq-7301") }],
    tool_choice: { type: "function", name: "file_report" },
    max_output_tokens: 128,
  },
  {
    input: "Write one sentence about the sea.",
    tools: [{ type: "custom", name: "write_note", description: "Writes a note." }],
    tool_choice: { type: "custom", name: "write_note" },
    max_output_tokens: 40,
  },
  {
    input: "Write one sentence about the sea.",
    instructions: 'Answer like a captain from Zürich or 東京.\nBe "brief".',
    text: {
      format: { type: "json_schema", name: "lot", strict: true, schema: composeParameters("zq-7301") },
      verbosity: "low",
    },
    max_output_tokens: 128,
  },
  {
    input: "Write one sentence about the mountains.",
    tools: [GATE_TOOL],
    tool_choice: { type: "function", name: "close_gate" },
    text: { format: { type: "json_schema", name: "gate", strict: true, schema: GATE_TOOL.parameters } },
    max_output_tokens: 120,
  },
  {
    input: "Write one sentence about rain.",
    tools: [GATE_TOOL, { type: "namespace", name: "harbour", description: "Of the harbour.", tools: [GATE_TOOL] }],
    tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function", name: "close_gate" }] },
    max_output_tokens: 32,
  },
  {
    input: "Write one sentence about rain.",
    include: ["message.output_text.logprobs"],
    top_logprobs: 1,
    safety_identifier: "user-4711",
    prompt_cache_key: "conversation-1",
  },
  { input: "Write one sentence about rain.", tools: [GATE_TOOL], tool_choice: "auto", max_output_tokens: 32 },
  { input: "Write one sentence about rain.", reasoning: { effort: "low", summary: "auto" }, max_output_tokens: 32 },
];

/** So that a stream says what it cost. */
export const USAGE = { stream_options: { include_usage: true } };

export const streamed = (variants: readonly JsonObject[]): readonly JsonObject[] => [
  ...variants.slice(0, 2).map((fields) => ({ ...fields, stream: true })),
  ...variants.map((fields) => ({ ...fields, stream: true, ...USAGE })),
];
