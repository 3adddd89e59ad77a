/**
 * Valid bodies for every operation that takes JSON, and what becomes of them: wrong types, wrong positions, broken
 * text.
 */

import type { Random } from "./random.ts";
import { MODELS } from "./requests.ts";
import type { FuzzRequest } from "./requests.ts";

type Json = unknown;
type JsonObject = Record<string, Json>;

const SCHEMA = {
  type: "object",
  properties: { name: { type: "string", pattern: "^[a-z]+$" }, tags: { type: "array", items: { enum: ["a", "b"] } } },
  required: ["name"],
  additionalProperties: false,
};
const TOOL = { type: "function", function: { name: "look_up", description: "Looks it up.", parameters: SCHEMA } };
const CALL = { id: "call_1", type: "function", function: { name: "look_up", arguments: '{"name":"sea"}' } };
const SAMPLING = { temperature: 0.5, top_p: 0.9, seed: 1, stop: ["."], presence_penalty: 0.1, frequency_penalty: -0.1 };

const CHATS: readonly JsonObject[] = [
  { messages: [{ role: "user", content: "Hello" }], max_tokens: 4 },
  {
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
    ],
    ...SAMPLING,
    n: 2,
    max_tokens: 3,
  },
  {
    messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 4,
    logprobs: true,
    top_logprobs: 3,
    logit_bias: { 5: -100 },
  },
  {
    messages: [{ role: "user", content: "Call it." }],
    tools: [TOOL],
    tool_choice: { type: "function", function: { name: "look_up" } },
    max_tokens: 60,
  },
  {
    messages: [
      { role: "user", content: "Call it." },
      { role: "assistant", content: null, tool_calls: [CALL] },
      { role: "tool", tool_call_id: "call_1", content: "blue" },
    ],
    tools: [TOOL],
    parallel_tool_calls: false,
    max_tokens: 4,
  },
  {
    messages: [{ role: "user", content: "As JSON." }],
    response_format: { type: "json_schema", json_schema: { name: "thing", strict: true, schema: SCHEMA } },
    max_tokens: 60,
  },
  { messages: [{ role: "user", content: "As JSON." }], response_format: { type: "json_object" }, max_tokens: 20 },
];

const COMPLETIONS: readonly JsonObject[] = [
  { prompt: "Once", max_tokens: 4, ...SAMPLING },
  { prompt: ["Once", "Twice"], max_tokens: 3, n: 2, best_of: 2, logprobs: 2 },
  { prompt: [1, 2, 3], max_tokens: 2, echo: true, logprobs: 1 },
  { prompt: [[1, 2], [3]], max_tokens: 2, stream: true, suffix: "end" },
];

const EMBEDDINGS: readonly JsonObject[] = [
  { input: "The sea" },
  { input: ["The sea", "The river"], encoding_format: "base64", dimensions: 16 },
  { input: [1, 2, 3] },
  { input: [[1, 2], [3]], user: "ada" },
];

const SPEECH: readonly JsonObject[] = [
  { input: "The sea", voice: "alloy" },
  {
    input: "The sea",
    voice: "alloy",
    response_format: "wav",
    speed: 1.5,
    stream_format: "sse",
    instructions: "Softly.",
  },
];

const OPERATIONS: readonly {
  readonly path: string;
  readonly models: readonly string[];
  readonly bodies: readonly JsonObject[];
}[] = [
  { path: "chat/completions", models: [MODELS.chat, MODELS.upstreamChat], bodies: CHATS },
  { path: "completions", models: [MODELS.chat, MODELS.upstreamChat], bodies: COMPLETIONS },
  { path: "embeddings", models: [MODELS.embedding, MODELS.upstreamEmbedding], bodies: EMBEDDINGS },
  { path: "audio/speech", models: [MODELS.speech], bodies: SPEECH },
];

export function createJsonRequest(random: Random): FuzzRequest {
  const { path, models, bodies } = random.pick(OPERATIONS);
  let value: Json = structuredClone({ model: random.pick(models), ...random.pick(bodies) });
  const mutations = random.pick([0, 1, 1, 1, 2, 3, 6]);
  for (let count = 0; count < mutations; count += 1) value = mutate(value, random);
  let body: Buffer = Buffer.from(write(value, random), "utf8");
  if (random.chance(0.25)) body = damageText(body, random);
  return { path, headers: chooseHeaders(random), body, isChunked: random.chance(0.3) };
}

function chooseHeaders(random: Random): Record<string, string> {
  if (random.chance(0.9)) return { "content-type": "application/json" };
  return random.pick<Record<string, string>>([
    {},
    { "content-type": "text/plain" },
    { "content-type": "application/json; charset=utf-16" },
    { "content-type": "application/json;;;=" },
    { "content-type": "multipart/form-data; boundary=B" },
    { "content-type": "application/json", "content-encoding": "gzip" },
    { "content-type": "application/json", "content-encoding": "br, gzip" },
    { "content-type": "application/json", "accept-encoding": "gzip, br" },
    { "content-type": "application/json", "x-request-id": "a b\tc" },
    { "content-type": "application/json", origin: "null", "access-control-request-headers": "x,y" },
  ]);
}

/** A number that JSON can write and a parser may not hold: written as it is. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const JUNK: readonly ((random: Random) => Json)[] = [
  () => null,
  () => true,
  () => "",
  () => 0,
  () => -1,
  () => 0.1,
  () => 2 ** 53,
  () => new Raw("1e999"),
  () => new Raw("-0"),
  () => new Raw("1E400"),
  () => new Raw("123456789012345678901234567890"),
  () => new Raw("0.00000000000000000000000000000000000000000001"),
  () => new Raw('"\\ud800"'),
  () => new Raw('"\\udc00\\ud800"'),
  () => new Raw('"\\u0000"'),
  () => "\u202e\u0301\u{1f468}\u200d\u{1f469}\ufeff\uffff",
  () => "<|im_end|>\n<|im_start|>system",
  () => [],
  () => ({}),
  () => [[[[[[]]]]]],
  () => Object.fromEntries(["__proto__", "constructor", "toString", "then"].map((name) => [name, 1])),
  (random) => "x".repeat(random.below(20_000)),
  (random) => Array.from({ length: random.below(300) }, () => random.below(70_000) - 10),
  (random) => nest(random.below(600)),
];

function nest(depth: number): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const NAMES = [
  "model",
  "messages",
  "role",
  "content",
  "type",
  "text",
  "name",
  "n",
  "stream",
  "stop",
  "prompt",
  "input",
  "tools",
  "tool_choice",
  "response_format",
  "schema",
  "$ref",
  "pattern",
  "enum",
  "items",
  "minItems",
  "allOf",
  "properties",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "",
  "\u0000",
  "image_url",
  "logit_bias",
  "suffix",
  "echo",
  "user",
  "max_tokens",
  "max_completion_tokens",
  "reasoning_effort",
  "modalities",
  "audio",
  "prediction",
  "functions",
] as const;

/** One change at a random position of the value. */
function mutate(value: Json, random: Random): Json {
  const isInside =
    typeof value === "object" && value !== null && !(value instanceof Raw) && Object.keys(value).length > 0;
  if (isInside && random.chance(0.75)) {
    const key = random.pick(Object.keys(value));
    if (Array.isArray(value))
      return value.map((item: Json, index) => (String(index) === key ? mutate(item, random) : item));
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, name === key ? mutate(item, random) : item]),
    );
  }
  return random.pick(CHANGES)(value, random);
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Raw);

const CHANGES: readonly ((value: Json, random: Random) => Json)[] = [
  (_value, random) => random.pick(JUNK)(random),
  (value) => [value],
  (value) => ({ value }),
  (value, random) => write(value, random),
  (value) => (Array.isArray(value) ? [...value, ...value, ...value] : value),
  (value, random) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).filter(() => random.chance(0.7))) : null,
  (value, random) => (isObject(value) ? { ...value, [random.pick(NAMES)]: random.pick(JUNK)(random) } : value),
  (value, random) =>
    isObject(value)
      ? Object.fromEntries(
          Object.entries(value).map(([key, item]) => [random.chance(0.3) ? random.pick(NAMES) : key, item]),
        )
      : value,
  (value) => (isObject(value) ? Object.values(value) : value),
];

/** Like `JSON.stringify`, with raw tokens, and now and then a key that stands twice. */
function write(value: Json, random: Random): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map((item: Json) => write(item, random)).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).flatMap(([key, item]) => {
    const member = `${JSON.stringify(key)}:${write(item, random)}`;
    return random.chance(0.01)
      ? [member, `${JSON.stringify(key)}:${write(random.pick(JUNK)(random), random)}`]
      : [member];
  });
  return `{${members.join(",")}}`;
}

const PIECES = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ",",
  ":",
  "\\",
  "\\u",
  "null",
  "NaN",
  "//",
  "\u0000",
  " ",
  "\r\n",
  "e",
  "-",
  ".",
];

export function damageText(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (random.below(7)) {
    case 0:
      return Buffer.from(before);
    case 1:
      return Buffer.concat([before, after.subarray(1 + random.below(4))]);
    case 2:
      return Buffer.concat([before, Buffer.from(random.pick(PIECES)), after]);
    case 3:
      return Buffer.concat([before, random.bytes(1 + random.below(8)), after]);
    case 4:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
    case 5:
      return Buffer.from(bytes.toString("utf8"), "utf16le");
    default:
      return Buffer.concat([bytes, bytes]);
  }
}
