/** The output format of an answer: free text, JSON, tool calls. All of it can be structured-cloned. */

import type { ReasoningEffort } from "@openai-compat/spec";

/** A JSON Schema as its caller wrote it; what of it can be enforced is the engine's to say. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface ChatTool {
  /**
   * `custom`: it takes a text in place of arguments. To an engine it is a function with the parameters of
   * `describeInput`.
   */
  readonly kind: "function" | "custom";
  /** Unique among the tools of a request. */
  readonly name: string;
  readonly description: string | null;
  /** Of the arguments, an object; null for a tool that takes none. */
  readonly parameters: JsonSchema | null;
  /** Whether the arguments have to conform to it; else it is a hint, of which as much is enforced as can be. */
  readonly isStrict: boolean;
  /** Where the schema of the arguments stands in the request, for errors: `tools[2].function.parameters`. */
  readonly schemaParam: string;
}

export interface ToolUse {
  /** Those that may be called, at least one. */
  readonly tools: readonly ChatTool[];
  /**
   * `auto`: the model decides between an answer and calls. `required`: it makes at least one call, and says nothing
   * else.
   */
  readonly mode: "auto" | "required";
  /** Whether an answer may hold several calls. */
  readonly parallel: boolean;
}

/** The output format where the model does not call a tool. */
export type AnswerFormat =
  | { readonly type: "text" }
  | { readonly type: "json-object" }
  /** `isStrict` as for tools. */
  | { readonly type: "json-schema"; readonly schema: JsonSchema; readonly isStrict: boolean };

/** A keyword of a schema that is a hint, which is not enforced. */
export interface SchemaRelaxation {
  /** Where the schema stands in the request. */
  readonly param: string;
  /** A JSON pointer within it, to the schema that has the keyword; empty for the whole. */
  readonly pointer: string;
  /** `*` for all that is said there. */
  readonly keyword: string;
}

export interface ChatOutput {
  readonly format: AnswerFormat;
  /** Null when no tool may be called. */
  readonly toolUse: ToolUse | null;
  /** How much the model reasons before it answers; null for its own default. No effect on a model without reasoning. */
  readonly reasoningEffort: ReasoningEffort | null;
}

export const FREE_TEXT: ChatOutput = { format: { type: "text" }, toolUse: null, reasoningEffort: null };
