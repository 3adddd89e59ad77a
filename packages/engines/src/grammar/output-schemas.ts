/**
 * Compiles the schemas of a request, each once: results are cached across requests, and the event loop runs between two
 * schemas.
 */

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import type { ChatOutput, ChatTool, JsonSchema, SchemaRelaxation } from "@openai-compat/core";
import { createSizedCache } from "../shared/sized-cache.ts";
import { compileInParts, listLevels, SIZE_MAX } from "./compiled-schema.ts";
import type { CompileOptions, CompiledSchema } from "./compiled-schema.ts";
import { TurnNeededError } from "./work-budget.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

export interface OutputSchemas {
  /** The schema of `response_format`; null without one. */
  readonly format: CompiledSchema | null;
  /** The schemas of tool arguments, by tool. */
  readonly tools: ReadonlyMap<ChatTool, CompiledSchema>;
  readonly relaxed: readonly SchemaRelaxation[];
}

const compiled = new WeakMap<ChatOutput, Promise<OutputSchemas>>();

/**
 * Each slice of work takes less than 20 ms. All schemas of a request become one grammar, so they are bounded together
 * too.
 *
 * @throws AiError `invalid_value`, `param` naming the schema, the message the position in it and the bound
 */
export function compileOutput(output: ChatOutput): Promise<OutputSchemas> {
  let schemas = compiled.get(output);
  if (schemas === undefined) compiled.set(output, (schemas = compileAll(output)));
  return schemas;
}

async function compileAll({ format, toolUse }: ChatOutput): Promise<OutputSchemas> {
  const request = new RequestCompiler();
  const compiledFormat =
    format.type === "json-schema"
      ? await request.compile(format.schema, format.isStrict, "response_format.json_schema.schema")
      : null;
  const tools = new Map<ChatTool, CompiledSchema>();
  // Strict schemas come first: they can't be widened to fit.
  const offered = (toolUse?.tools ?? []).toSorted((left, right) => Number(right.isStrict) - Number(left.isStrict));
  for (const tool of offered) {
    if (tool.parameters === null) continue;
    tools.set(tool, await request.compile(tool.parameters, tool.isStrict, tool.schemaParam));
  }
  return { format: compiledFormat, tools, relaxed: request.relaxed };
}

/** A few elements for any schema, so there is always room for it. */
const LAST_LEVEL: Level = "type";

class RequestCompiler {
  readonly relaxed: SchemaRelaxation[] = [];
  #size = 0;

  async compile(schema: JsonSchema, isStrict: boolean, param: string): Promise<CompiledSchema> {
    const failures: UnsupportedSchemaError[] = [];
    for (const level of listLevels(isStrict)) {
      const result = await compileKept(schema, isStrict, level);
      if (result instanceof UnsupportedSchemaError) failures.push(result);
      else if (level !== LAST_LEVEL && this.#size + result.size > SIZE_MAX) {
        const reason = `with the other schemas of the request, its grammar has more than ${SIZE_MAX} elements`;
        failures.push(new SchemaTooLargeError("", reason));
      } else {
        this.#size += result.size;
        this.relaxed.push(...result.relaxed.map((relaxation) => ({ param, ...relaxation })));
        return result;
      }
    }
    const [first] = failures;
    throw new AiError("invalid_value", `Invalid '${param}': ${first?.message}.`, { param, cause: first });
  }
}

type Kept = CompiledSchema | UnsupportedSchemaError;
/** Failures included. */
const kept = createSizedCache<Kept>({
  countMax: 1000,
  /** Elements of all schemas. */
  sizeMax: 1_000_000,
  sizeOf: (value) => (value instanceof Error ? 1 : value.size),
});

type Level = ReturnType<typeof listLevels>[number];

async function compileKept(schema: JsonSchema, isStrict: boolean, level: Level): Promise<Kept> {
  const text = `${level} ${isStrict} ${JSON.stringify(schema)}`;
  const key = createHash("sha256").update(text).digest("base64");
  let value = kept.get(key);
  if (value === undefined) {
    await nextTurn();
    value = kept.get(key) ?? (await tryCompile(schema, { isStrict, level }));
  }
  kept.set(key, value);
  return value;
}

async function compileInTurns(schema: JsonSchema, options: CompileOptions): Promise<CompiledSchema> {
  const parts = compileInParts(schema, options);
  let part = parts.next();
  for (; part.done !== true; part = parts.next()) await nextTurn();
  return part.value;
}

/** Turns of the event loop for one schema: each builds at least one automaton. */
const TURNS_MAX = 200;

async function tryCompile(schema: JsonSchema, options: CompileOptions): Promise<Kept> {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    try {
      return await compileInTurns(schema, options);
    } catch (thrown) {
      if (thrown instanceof UnsupportedSchemaError) return thrown;
      if (!(thrown instanceof TurnNeededError)) throw thrown;
    }
    await nextTurn();
  }
  return new SchemaTooLargeError("", `its patterns take more than ${TURNS_MAX} turns to be compiled`);
}
