/** Chats whose other fields are large: what samples, what stops, what shapes the answer, and unknown fields. */

import { BYTES, VALUES, chatBody, fill } from "./worst-body.ts";
import type { WorstBody } from "./worst-body.ts";

function biases(count: number): Readonly<Record<string, number>> {
  return Object.fromEntries(fill(count, (index) => [String(index + 10), -1]));
}

function answerIn(schema: unknown): Readonly<Record<string, unknown>> {
  return { response_format: { type: "json_schema", json_schema: { name: "s", schema } } };
}

function tool(name: string, parameters: unknown, description = ""): unknown {
  return { type: "function", function: { name, description, parameters } };
}

/** Each level holds the next one twice. */
function doubling(levels: number): unknown {
  const $defs = Object.fromEntries(
    fill(levels, (index) => {
      const next = index === levels - 1 ? { type: "null" } : { $ref: `#/$defs/d${index + 1}` };
      return [`d${index}`, { type: "object", properties: { a: next, b: next }, required: ["a", "b"] }];
    }),
  );
  return { $defs, $ref: "#/$defs/d0" };
}

function nest(levels: number): unknown {
  let schema: unknown = { type: "string" };
  for (let level = 0; level < levels; level += 1) schema = { type: "array", items: schema };
  return schema;
}

const properties = (count: number) => Object.fromEntries(fill(count, (index) => [`p${index}`, { type: "string" }]));
const full = (items: unknown) => ({ type: "array", minItems: 1999, items });
const pattern = (text: string) => answerIn({ type: "object", properties: { p: { pattern: text } }, required: ["p"] });

export const FIELD_BODIES: readonly WorstBody[] = [
  chatBody("a bias on 49,000 tokens", () => ({ logit_bias: biases(49_000), max_tokens: 20 })),
  chatBody("a bias on 99,000 tokens, half of them unknown", () => ({ logit_bias: biases(VALUES) })),
  chatBody("a bias on 99,000 keys that are no tokens", () => ({
    logit_bias: Object.fromEntries(fill(VALUES, (index) => [`x${index}`, 1])),
  })),
  chatBody("99,000 biases that are no numbers", () => ({
    logit_bias: Object.fromEntries(fill(VALUES, (index) => [String(index), "1"])),
  })),
  chatBody("four stop strings of 8 MB", () => ({ stop: fill(4, () => "a".repeat(BYTES / 4)), max_tokens: 20 })),
  chatBody("99,000 stop strings", () => ({ stop: fill(VALUES, () => "a") })),
  chatBody("99,000 stops that are no strings", () => ({ stop: fill(VALUES, () => 1) })),
  chatBody("n of 128, top_logprobs of 20", () => ({ n: 128, logprobs: true, top_logprobs: 20, max_tokens: 2 })),
  chatBody("n of 128, scripted engine", () => ({ model: "scripted", n: 128, logprobs: true, max_tokens: 50 })),
  chatBody("penalties over a long answer", () => ({ presence_penalty: 1, frequency_penalty: 1, max_tokens: 200 })),
  chatBody("128 tools of 2 kB", () => ({ tools: fill(128, (index) => tool(`f${index}`, {}, "a".repeat(1900))) })),
  chatBody("16,000 tools", () => ({ tools: fill(VALUES / 6, (index) => tool(`f${index}`, {})) })),
  chatBody("99,000 tools that are none", () => ({ tools: fill(VALUES, () => 1) })),
  chatBody("a tool of 30,000 properties", () => ({
    tools: [tool("f", { type: "object", properties: properties(30_000) })],
  })),
  chatBody("a schema of 4,000 properties", () => answerIn({ type: "object", properties: properties(4000) })),
  chatBody("a schema of a string among 20,000", () => answerIn({ enum: fill(20_000, (index) => `value ${index}`) })),
  chatBody("a schema nested 400 deep", () => answerIn(nest(200))),
  chatBody("a schema of 1,999 arrays of 1,999 texts", () => answerIn(full(full({ type: "string" })))),
  chatBody("a schema that doubles 17 times", () => answerIn(doubling(17))),
  chatBody("a pattern of 1,999 letters that may lack", () => pattern("^(a?){1999}$")),
  chatBody("a pattern that repeats what may lack", () => pattern("^((a?){30}){30}$")),
  chatBody("a schema of 1,999 arrays of 1,999 texts, scripted engine", () => ({
    ...answerIn(full(full({ type: "string" }))),
    model: "scripted",
  })),
  chatBody("49,000 unknown keys", () => Object.fromEntries(fill(VALUES, (index) => [`key${index}`, 1]))),
  chatBody("a key of 33 MB", () => ({ ["k".repeat(BYTES)]: 1 })),
  chatBody("99,000 labels", () => ({ metadata: Object.fromEntries(fill(VALUES, (index) => [`key${index}`, "a"])) })),
  chatBody("a model's name of 33 MB", () => ({ model: "m".repeat(BYTES) })),
  chatBody("a wrong value of 33 MB", () => ({ reasoning_effort: "x".repeat(BYTES) })),
];
