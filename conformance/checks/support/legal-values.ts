/**
 * Documented values of the parameters of requests, by the slug of the operation. `null` counts as left out and is no
 * value of its own here: each check adds it where the document allows it.
 */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Level } from "../../src/check.ts";
import type { AnswerMode } from "./plain-requests.ts";

export interface LegalValues {
  /** Those that change nothing: a server has no reason to refuse them. */
  readonly defaults?: readonly unknown[];
  /** Those that a server may refuse by name. */
  readonly others?: readonly unknown[];
  /** More of those, which only a plain answer of the server says. */
  readonly learn?: (answer: JsonObject) => readonly unknown[];
  /** Fields that the document asks for beside the others. */
  readonly beside?: JsonObject;
  /** What bounds an answer whose own bound a default takes away: sent beside the defaults, where the server takes both. */
  readonly bound?: JsonObject;
  /** Default: both. */
  readonly mode?: AnswerMode;
  /** Default `must`. */
  readonly level?: Level;
}

const FUNCTION = {
  name: "file_report",
  description: "Files a report.",
  parameters: { type: "object", properties: {} },
};
const TOOLS = { tools: [{ type: "function", function: FUNCTION }] };
const JSON_SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "lot",
    strict: true,
    schema: {
      type: "object",
      properties: { sealed: { type: "boolean" } },
      required: ["sealed"],
      additionalProperties: false,
    },
  },
};

const SAMPLING: Readonly<Record<string, LegalValues>> = {
  temperature: { defaults: [null, 1], others: [0, 2, 0.7] },
  top_p: { defaults: [null, 1], others: [0.1, 0.95] },
  frequency_penalty: { defaults: [null, 0], others: [-2, 2] },
  presence_penalty: { defaults: [null, 0], others: [-2, 2] },
  logit_bias: { defaults: [null, {}], others: [{ "100": -100 }] },
  seed: { defaults: [null], others: [0, 7, -1] },
  stop: { defaults: [null], others: ["\n\n", ["END", "STOP", "###", "</s>"]] },
  n: { defaults: [null, 1], others: [2] },
  user: { defaults: [null], others: ["user-4711"] },
  stream_options: { defaults: [null], others: [{ include_usage: true }, { include_usage: false }], mode: "stream" },
};

const CHAT: Readonly<Record<string, LegalValues>> = {
  ...SAMPLING,
  metadata: { defaults: [null, {}], others: [{ purpose: "conformance" }] },
  logprobs: { defaults: [null, false], others: [true] },
  top_logprobs: { defaults: [null], others: [0, 5], beside: { logprobs: true } },
  safety_identifier: { defaults: [null], others: ["user-4711"] },
  prompt_cache_key: { defaults: [null], others: ["conversation-1"] },
  prompt_cache_retention: { defaults: [null], others: ["24h"] },
  prompt_cache_options: { defaults: [null], others: [{}] },
  service_tier: { defaults: [null, "auto"], others: ["default"] },
  modalities: { defaults: [null, ["text"]] },
  verbosity: { defaults: [null], others: ["low", "medium", "high"] },
  reasoning_effort: { defaults: [null], others: ["low", "medium", "high", "minimal", "none"] },
  max_completion_tokens: { defaults: [null], others: [1, 2], beside: { max_tokens: undefined } },
  max_tokens: { defaults: [null], others: [2], bound: { max_completion_tokens: 2 } },
  web_search_options: { defaults: [null], others: [{}], level: "should" },
  response_format: { defaults: [null, { type: "text" }], others: [JSON_SCHEMA] },
  audio: {
    defaults: [null],
    others: [{ voice: "alloy", format: "wav" }],
    beside: { modalities: ["text"] },
    level: "should",
  },
  store: { defaults: [null, false], others: [true] },
  moderation: { defaults: [null], others: [{ model: "omni-moderation-latest" }], level: "should" },
  stream: { defaults: [null, false], mode: "body" },
  prediction: { defaults: [null], others: [{ type: "content", content: "Hello." }] },
  tools: { defaults: [null], others: [TOOLS.tools] },
  tool_choice: { defaults: [null], others: ["none", "auto"], beside: TOOLS },
  parallel_tool_calls: { defaults: [null], others: [true, false], beside: TOOLS },
  functions: { defaults: [null], others: [[FUNCTION]], level: "should" },
  function_call: { defaults: [null], others: ["none", "auto"], beside: { functions: [FUNCTION] }, level: "should" },
};

/** How many numbers an embedding has: a length that the model knows. */
function learnLength(data: unknown): readonly number[] {
  const [first]: readonly unknown[] = Array.isArray(data) ? data : [];
  const { embedding } = isJsonObject(first) ? first : {};
  return Array.isArray(embedding) ? [embedding.length] : [];
}

const COMPLETIONS: Readonly<Record<string, LegalValues>> = {
  ...SAMPLING,
  best_of: { defaults: [null, 1] },
  echo: { defaults: [null, false], others: [true] },
  logprobs: { defaults: [null], others: [0, 2] },
  max_tokens: { defaults: [null], others: [2], bound: { stop: [",", " ", "\n"] } },
  // A new document.
  prompt: { others: [null] },
  stream: { defaults: [null, false], mode: "body" },
  suffix: { defaults: [null] },
};

const FUNCTIONS = { tools: [{ type: "function", strict: false, ...FUNCTION }] };
const FORMAT = { type: "json_schema", ...JSON_SCHEMA.json_schema };
const LOGPROBS = "message.output_text.logprobs";

/** Of an answer that is kept, unless the server keeps none. */
function learnId({ id, store }: JsonObject): readonly string[] {
  return typeof id === "string" && store !== false ? [id] : [];
}

const RESPONSES: Readonly<Record<string, LegalValues>> = {
  metadata: { defaults: [null, {}], others: [{ purpose: "conformance" }] },
  top_logprobs: { defaults: [null], others: [0, 5], beside: { include: [LOGPROBS] } },
  temperature: { defaults: [null, 1], others: [0, 2, 0.7] },
  top_p: { defaults: [null, 1], others: [0.1, 0.95] },
  user: { defaults: [null], others: ["user-4711"] },
  safety_identifier: { defaults: [null], others: ["user-4711"] },
  prompt_cache_key: { defaults: [null], others: ["conversation-1"] },
  prompt_cache_retention: { defaults: [null], others: ["24h", "in_memory"] },
  prompt_cache_options: { defaults: [null], others: [{}] },
  previous_response_id: { defaults: [null], learn: learnId },
  background: { defaults: [null, false] },
  max_tool_calls: { defaults: [null], others: [3], beside: FUNCTIONS },
  text: { defaults: [null, {}, { format: { type: "text" } }], others: [{ format: FORMAT }, { verbosity: "low" }] },
  tools: { defaults: [null, []], others: [FUNCTIONS.tools] },
  tool_choice: { defaults: [null], others: ["none", "auto"], beside: FUNCTIONS },
  prompt: { defaults: [null] },
  service_tier: { defaults: [null, "auto"], others: ["default"] },
  truncation: { defaults: [null, "disabled"], others: ["auto"] },
  reasoning: { defaults: [null], others: [{}, { effort: "low" }, { summary: "auto" }] },
  // A request may consist of its instructions, or of a template.
  input: { others: [null], beside: { instructions: "Say hello." } },
  include: { defaults: [null, []], others: [[LOGPROBS], ["reasoning.encrypted_content"]] },
  parallel_tool_calls: { defaults: [null, true], others: [false], beside: FUNCTIONS },
  store: { defaults: [null], others: [true, false] },
  instructions: { defaults: [null], others: ["Be brief."] },
  moderation: { defaults: [null], others: [{ model: "omni-moderation-latest" }], level: "should" },
  stream: { defaults: [null, false], mode: "body" },
  stream_options: {
    defaults: [null],
    others: [{ include_obfuscation: true }, { include_obfuscation: false }],
    mode: "stream",
  },
  conversation: { defaults: [null] },
  context_management: { defaults: [null], others: [[{ type: "compaction", compact_threshold: 100_000 }]] },
  max_output_tokens: { defaults: [null], others: [16, 32] },
};

/** Of the fields that an input is made of. */
const COUNTED: readonly string[] = [
  "conversation",
  "input",
  "instructions",
  "parallel_tool_calls",
  "previous_response_id",
  "reasoning",
  "text",
  "tool_choice",
  "tools",
  "truncation",
];

export const LEGAL_VALUES: Readonly<Record<string, Readonly<Record<string, LegalValues>>>> = {
  chat: CHAT,
  completions: COMPLETIONS,
  responses: RESPONSES,
  "responses-input-tokens": Object.fromEntries(Object.entries(RESPONSES).filter(([name]) => COUNTED.includes(name))),
  embeddings: {
    encoding_format: { defaults: [null, "float"], others: ["base64"] },
    dimensions: { defaults: [null], learn: ({ data }) => learnLength(data) },
    user: { defaults: [null], others: ["user-4711"] },
  },
  speech: {
    instructions: { defaults: [null], others: ["Speak calmly."] },
    response_format: { others: [null, "mp3", "wav", "pcm", "flac", "opus", "aac"] },
    speed: { defaults: [null, 1], others: [0.25, 4, 1.5] },
    stream_format: { defaults: [null], others: ["audio"], mode: "body" },
  },
  "client-secrets": {
    expires_after: { defaults: [null], others: [{ anchor: "created_at", seconds: 600 }] },
    session: { others: [null] },
  },
};
