/** Which tools the reference server's "model" calls: those that the last message names, and what it is made to call. */

import { isJsonObject, type JsonObject } from "../src/expect.ts";
import { type ChatBody, readMessages } from "./operations/chat-rules.ts";
import { sampleSchema } from "./schema-sample.ts";

export interface ToolCall {
  readonly id: string;
  readonly type: "function" | "custom";
  readonly name: string;
  /** The arguments of a function, or the input of a custom tool, in the pieces of a stream. */
  readonly pieces: readonly string[];
}

interface Choice {
  readonly tools: readonly JsonObject[];
  readonly isForced: boolean;
}

/** A forced text has no words: its tokens are so many characters. */
const PIECE_CHARACTERS = 8;

/** The calls of an answer, whose ids have `slug` in them; none when it speaks. */
export function composeCalls(body: ChatBody, slug: string): readonly ToolCall[] {
  return pickTools(body).map((tool, index) => {
    const type = isCustom(body, tool) ? "custom" : "function";
    const text = type === "custom" ? composeInput(tool) : composeArguments(tool);
    return { id: `call_reference_${slug}_${index}`, type, name: String(tool["name"]), pieces: splitPieces(text) };
  });
}

function composeArguments({ parameters }: JsonObject): string {
  return JSON.stringify(parameters === undefined ? {} : sampleSchema(parameters));
}

/** Any text, or one of the regular expression. */
function composeInput({ format }: JsonObject): string {
  const grammar = isJsonObject(format) && isJsonObject(format["grammar"]) ? format["grammar"] : {};
  const { definition } = grammar;
  const pattern = typeof definition === "string" ? { pattern: `^${definition}$` } : {};
  return String(sampleSchema({ type: "string", ...pattern }));
}

function isCustom(body: ChatBody, tool: JsonObject): boolean {
  return (
    Array.isArray(body["tools"]) && body["tools"].some((offered) => isJsonObject(offered) && offered["custom"] === tool)
  );
}

export function splitPieces(text: string): readonly string[] {
  return text.match(new RegExp(`.{1,${PIECE_CHARACTERS}}`, "gs")) ?? [];
}

/** The function of a tool, or what a custom one is, as OpenAI has it here, or the tool itself. */
export function readFunction(tool: unknown): JsonObject {
  if (!isJsonObject(tool)) return {};
  const inner = tool[tool["type"] === "custom" ? "custom" : "function"];
  return isJsonObject(inner) ? inner : tool;
}

export function listFunctions(body: ChatBody): readonly JsonObject[] {
  return Array.isArray(body["tools"]) ? body["tools"].map(readFunction) : [];
}

/** `{"type":"function",…}`: one tool by its name. */
export function readNamedChoice(body: ChatBody): string | undefined {
  const choice = body["tool_choice"];
  return isJsonObject(choice) && choice["type"] === "function" ? String(readFunction(choice)["name"]) : undefined;
}

function pickTools(body: ChatBody): readonly JsonObject[] {
  const { tools, isForced } = resolveChoice(body);
  const named = tools.filter(({ name }) => readPrompt(body).includes(String(name)));
  const picked = named.length === 0 && isForced ? tools.slice(0, 1) : named;
  return body["parallel_tool_calls"] === false ? picked.slice(0, 1) : picked;
}

function resolveChoice(body: ChatBody): Choice {
  const tools = listFunctions(body);
  const choice = body["tool_choice"];
  if (choice === "none") return { tools: [], isForced: false };
  if (!isJsonObject(choice)) return { tools, isForced: choice === "required" };
  const allowed = isJsonObject(choice["allowed_tools"]) ? choice["allowed_tools"] : {};
  const names = Array.isArray(allowed["tools"])
    ? allowed["tools"].map((tool) => readFunction(tool)["name"])
    : [readFunction(choice)["name"]];
  return { tools: tools.filter(({ name }) => names.includes(name)), isForced: allowed["mode"] !== "auto" };
}

/** What the user said last, unless something came after it. */
function readPrompt(body: ChatBody): string {
  const last = readMessages(body).at(-1);
  return last?.["role"] === "user" && typeof last["content"] === "string" ? last["content"] : "";
}
