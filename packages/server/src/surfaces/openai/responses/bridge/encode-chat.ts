/**
 * A response as the chat completion that an upstream is asked for in its place. What a chat has no field for is done
 * here: instructions, earlier turns, custom tools and namespaces, state.
 */

import type { AiError, ChatTool, SchemaRelaxation, ToolUse } from "@openai-compat/core";
import { createChatCompletionRequestSchema, createResponseRequestSchema } from "@openai-compat/spec";
import { decodeBody } from "../../decode-body.ts";
import type { JsonObject } from "../../upstream/decode-json.ts";
import { decodeTurns } from "../decode-input.ts";
import type { PlacedItem, Turn } from "../decode-input.ts";
import { decodeTools } from "../decode-tools.ts";
import type { ToolName } from "../decode-tools.ts";
import { moreSamplingSchema } from "../decode.ts";
import type { ResponseWire } from "../decode.ts";
import type { Openers } from "../reasoning-seal.ts";
import { encodeParts, encodeTurns } from "./encode-messages.ts";
import type { Parts } from "./encode-messages.ts";
import { createShortener } from "./shorten-turns.ts";

export interface BridgedChat {
  readonly body: JsonObject;
  /** By the name that the model knows. */
  readonly toolNames: ReadonlyMap<string, ToolName>;
  /** Of the tools that are functions to the upstream, and to the caller none. */
  readonly customTools: ReadonlySet<string>;
  readonly relaxed: readonly SchemaRelaxation[];
  /** Messages to send in place of those that were refused for their length, as long as some can be left out; else null. */
  readonly shorten: (refusal: AiError) => readonly JsonObject[] | null;
}

/**
 * @param items of earlier turns and of this one, references resolved
 * @throws AiError with status 400, `param` naming what is wrong
 */
export function encodeChat(wire: ResponseWire, items: readonly PlacedItem[], openers: Openers): BridgedChat {
  const instructions = wire.instructions ?? null;
  const turns = decodeTurns(items, { instructions, ...openers, decodeParts: encodeParts });
  const { names, relaxed, ...tools } = encodeTools(wire);
  return {
    body: {
      ...listOthers(wire),
      model: wire.model,
      messages: encodeTurns(turns),
      ...encodeOptions(wire),
      ...tools.fields,
    },
    toolNames: names,
    customTools: tools.customTools,
    relaxed,
    shorten: wire.truncation === "auto" ? shortenTo(turns, wire) : () => null,
  };
}

function shortenTo(turns: readonly Turn<Parts>[], { max_output_tokens, tools }: ResponseWire): BridgedChat["shorten"] {
  let shorten: ReturnType<typeof createShortener> | null = null;
  return (refusal) => {
    shorten ??= createShortener(turns, {
      outputTokensMax: max_output_tokens ?? null,
      otherCharacters: JSON.stringify(tools ?? []).length,
    });
    const kept = shorten(refusal);
    return kept === null ? null : encodeTurns(kept);
  };
}

const DOCUMENTED: ReadonlySet<string> = new Set([
  ...Object.keys(createResponseRequestSchema.shape),
  ...Object.keys(createChatCompletionRequestSchema.shape),
]);

/** Fields that neither API documents go where those of a chat go: the engine sends the ones whose cost is bounded. */
function listOthers(wire: ResponseWire): JsonObject {
  return Object.fromEntries(Object.entries(wire).filter(([name]) => !DOCUMENTED.has(name)));
}

function encodeOptions(wire: ResponseWire): JsonObject {
  const { presence_penalty, frequency_penalty, seed } = decodeBody(moreSamplingSchema, wire);
  const hasLogprobs = wire.include?.includes("message.output_text.logprobs") === true;
  return {
    max_completion_tokens: wire.max_output_tokens ?? undefined,
    temperature: wire.temperature ?? undefined,
    top_p: wire.top_p ?? undefined,
    presence_penalty: presence_penalty ?? undefined,
    frequency_penalty: frequency_penalty ?? undefined,
    seed: seed ?? undefined,
    response_format: encodeFormat(wire),
    verbosity: wire.text?.verbosity ?? undefined,
    reasoning_effort: wire.reasoning?.effort ?? undefined,
    ...(hasLogprobs ? { logprobs: true, top_logprobs: wire.top_logprobs ?? 0 } : {}),
    user: wire.user ?? undefined,
    safety_identifier: wire.safety_identifier ?? undefined,
    prompt_cache_key: wire.prompt_cache_key ?? undefined,
    prompt_cache_retention: wire.prompt_cache_retention ?? undefined,
    prompt_cache_options: wire.prompt_cache_options ?? undefined,
    ...(wire.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

/** In a chat, the fields of a schema are an object of their own. */
function encodeFormat({ text }: ResponseWire): JsonObject | undefined {
  const format = text?.format;
  if (format === undefined || format === null || format.type === "text") return undefined;
  if (format.type === "json_object") return { type: "json_object" };
  const { name, description, schema, strict } = format;
  const json_schema = { name, description: description ?? undefined, schema, strict: strict ?? undefined };
  return { type: "json_schema", json_schema };
}

function encodeTools(wire: ResponseWire) {
  const isForbidden = wire.tool_choice === "none";
  // The tools stay in the prompt, which an upstream may have cached.
  const { toolUse, names, relaxed } = decodeTools(isForbidden ? { ...wire, tool_choice: "auto" } : wire);
  const customTools = new Set((toolUse?.tools ?? []).filter(({ kind }) => kind === "custom").map(({ name }) => name));
  const parallel = wire.parallel_tool_calls ?? undefined;
  const fields =
    toolUse === null
      ? {}
      : {
          tools: toolUse.tools.map(encodeTool),
          tool_choice: isForbidden ? "none" : encodeChoice(toolUse, wire),
          parallel_tool_calls: parallel,
        };
  return { names, relaxed, customTools, fields };
}

/** What is forced by name is the only tool; not all upstreams read `required`. */
function encodeChoice({ tools, mode }: ToolUse, { tool_choice: choice }: ResponseWire): unknown {
  const [tool] = tools;
  const isNamed = typeof choice === "object" && choice !== null && choice.type !== "allowed_tools";
  return isNamed && tool !== undefined ? { type: "function", function: { name: tool.name } } : mode;
}

/** Few upstreams know custom tools. */
function encodeTool({ kind, name, description, parameters, isStrict }: ChatTool): JsonObject {
  const definition = {
    name,
    description: description ?? undefined,
    parameters: parameters ?? undefined,
    strict: kind === "function" && isStrict ? true : undefined,
  };
  return { type: "function", function: definition };
}
