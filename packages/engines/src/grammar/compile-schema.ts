/**
 * Compiles a JSON Schema to a grammar of the JSON texts that conform to it. A strict schema is never widened: what
 * can't be enforced is refused. Any other schema is a hint: what can't be enforced is left out and reported. Both can
 * be narrower than the schema: members come in the declared order, and undeclared ones only where the schema mentions
 * them.
 */

import { isRecord } from "@openai-compat/core";
import { createDisjointCheck } from "./disjoint-schemas.ts";
import { SHALLOW_DEPTH } from "./compilation.ts";
import type { Compilation } from "./compilation.ts";
import { compileArray } from "./compile-array.ts";
import { compileObject } from "./compile-object.ts";
import { compileNumber, compileValues } from "./compile-scalars.ts";
import { compileString } from "./compile-string.ts";
import { choice, rule } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { mergeSchemas } from "./merge-schemas.ts";
import { isConstrained, listCounted, listMalformed, listUnenforced, pickConstraints } from "./schema-keywords.ts";
import { requireTag } from "./require-tag.ts";
import { followPointer, join, readList, readText, viewSchema } from "./schema-view.ts";
import type { SchemaObject, SchemaView } from "./schema-view.ts";
import type { Subschemas } from "./subschemas.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Schemas within schemas, references not counted. */
const DEPTH_MAX = 64;
/** The same, with references to new schemas followed. */
const LEVELS_MAX = 400;
/** Schemas compiled, each time counted: a schema is compiled again where a reference to it has further keywords. */
const SCHEMAS_MAX = 2500;
/** Cost of a schema relative to one of its keywords. */
const SCHEMA_STEPS = 30;
/** Of `allOf`. */
const PARTS_MAX = 100;
/** Comparisons to find out whether a value may conform to two schemas of `oneOf`. */
const COMPARISONS_MAX = 20_000;
const TYPES = ["null", "boolean", "string", "integer", "number", "array", "object"] as const;
type TypeName = (typeof TYPES)[number];

/** @throws UnsupportedSchemaError; SchemaTooLargeError, also for a schema that is a hint */
export function compileNode(schema: SchemaObject, compilation: Compilation): GrammarNode {
  return new SchemaCompiler(schema, compilation).compile({ schema, path: "" });
}

class SchemaCompiler implements Subschemas {
  readonly #root: SchemaObject;
  readonly #compilation: Compilation;
  readonly #references = new Map<string, GrammarNode>();
  #depth = 0;
  #levels = 0;
  #schemas = 0;
  #comparisons = 0;
  readonly #areDisjoint = createDisjointCheck({
    resolve: (view) => this.resolve(view),
    spend: (count) => {
      this.#comparisons += count;
      if (this.#comparisons <= COMPARISONS_MAX) return;
      throw new SchemaTooLargeError(
        "",
        "'oneOf' has too many schemas to make sure that a value conforms to one of them only; use 'anyOf'",
      );
    },
  });

  constructor(root: SchemaObject, compilation: Compilation) {
    this.#root = root;
    this.#compilation = compilation;
  }

  compile(view: SchemaView): GrammarNode {
    if (this.#depth >= DEPTH_MAX) throw new SchemaTooLargeError(view.path, `it is nested deeper than ${DEPTH_MAX}`);
    if (this.#levels >= LEVELS_MAX) {
      throw new SchemaTooLargeError(view.path, `its references lead deeper than ${LEVELS_MAX}`);
    }
    this.#schemas += 1;
    if (this.#schemas > SCHEMAS_MAX) throw new SchemaTooLargeError("", `it has more than ${SCHEMAS_MAX} schemas`);
    this.#compilation.spend(Object.keys(view.schema).length + SCHEMA_STEPS);
    this.#depth += 1;
    this.#levels += 1;
    try {
      return this.#compileKnown(this.#repair(view));
    } catch (thrown) {
      if (!(thrown instanceof UnsupportedSchemaError) || thrown instanceof SchemaTooLargeError) throw thrown;
      if (this.#compilation.isStrict) throw thrown;
      this.#compilation.relax(thrown.path, "*", thrown.message);
      return this.#anyOfType(view);
    } finally {
      this.#depth -= 1;
      this.#levels -= 1;
    }
  }

  view(value: unknown, path: string): SchemaView {
    if (isRecord(value) || value === true || value === false || this.#compilation.isStrict)
      return viewSchema(value, path);
    this.#compilation.relax(path, "*", "a schema is an object");
    return { schema: {}, path };
  }

  merge(left: SchemaView, right: SchemaView): SchemaView {
    // Each member of both is compared.
    for (const { properties, enum: values } of [left.schema, right.schema]) {
      this.#compilation.spend(10);
      if (isRecord(properties)) this.#compilation.spend(10 * Object.keys(properties).length);
      if (Array.isArray(values)) this.#compilation.spend(10 * values.length);
    }
    const [mine, theirs] = [left, right].map((view) => this.resolve(view));
    const schema = mergeSchemas(pickConstraints(mine ?? left, []), pickConstraints(theirs ?? right, []), {
      path: left.path,
      onConflict: (keyword, path) => {
        this.#compilation.relax(path, keyword, `two values of '${keyword}' can't be enforced together`);
      },
    });
    return { schema, path: left.path };
  }

  /** Removes the keywords whose values are malformed. */
  #repair(view: SchemaView): SchemaView {
    const malformed = listMalformed(view);
    if (malformed.length === 0 || this.#compilation.isStrict) return view;
    for (const keyword of malformed) this.#compilation.relax(view.path, keyword, "its value is malformed");
    return {
      ...view,
      schema: Object.fromEntries(Object.entries(view.schema).filter(([key]) => !malformed.includes(key))),
    };
  }

  #compileKnown(view: SchemaView): GrammarNode {
    const { schema, path } = view;
    for (const keyword of listUnenforced(view)) {
      this.#compilation.relax(path, keyword, `'${keyword}' can't be enforced`);
    }
    if (this.#compilation.level !== "all") {
      for (const keyword of listCounted(view)) this.#compilation.relax(path, keyword, "the schema is too large");
    }
    if (this.#isTooDeep()) return this.#anyOfType(view);
    const reference = readText(view, "$ref");
    if (reference !== null) return this.#reference(view, reference);
    const parts = readList(view, "allOf");
    if (parts !== null) return this.compile(this.#mergeParts(view, parts));
    const union = (["anyOf", "oneOf"] as const).find(
      (keyword) => schema[keyword] !== undefined && schema[keyword] !== null,
    );
    if (union !== undefined) return this.#union(view, union);
    const values = readList(view, "enum");
    if ("const" in schema) return compileValues(view, [readConstant(view, values)], this.#compilation);
    if (values !== null) return compileValues(view, values, this.#compilation);
    const types = this.#typesOf(view);
    if (types === null) return rule("value");
    if (types.length === 0) throw new UnsupportedSchemaError(path, "nothing is of all its types");
    return choice(...types.map((type) => this.#typed(view, type)));
  }

  #isTooDeep(): boolean {
    const { level } = this.#compilation;
    return level === "type" || (level === "shallow" && this.#depth > SHALLOW_DEPTH);
  }

  /** The fallback for a schema that can't be enforced. */
  #anyOfType({ schema, path }: SchemaView): GrammarNode {
    const isUnion = ["anyOf", "oneOf", "allOf", "$ref", "enum", "const"].some(
      (keyword) => schema[keyword] !== undefined,
    );
    if (isUnion || schema["nullable"] === true) {
      const only = [schema["type"]].flat();
      return only.length === 1 && only[0] === "object" && schema["nullable"] !== true ? rule("object") : rule("value");
    }
    const named = [schema["type"]].flat();
    const types = TYPES.filter((type) => named.includes(type));
    if (this.#isTooDeep()) this.#compilation.relax(path, "*", "the schema is too large");
    return types.length === 0 ? rule("value") : choice(...types.map((type) => rule(type)));
  }

  #reference(view: SchemaView, reference: string): GrammarNode {
    const beside = { schema: pickConstraints(view, ["$ref"]), path: view.path };
    if (isConstrained(beside)) return this.compile(this.merge(beside, this.#look(view, reference)));
    const known = this.#references.get(reference);
    if (known !== undefined) return known;
    const target = this.#look(view, reference);
    const name = this.#compilation.reserve();
    const node = rule(name);
    this.#references.set(reference, node);
    const depth = this.#depth;
    this.#depth = 0;
    try {
      this.#compilation.set(name, this.compile(target));
    } finally {
      this.#depth = depth;
    }
    return node;
  }

  #look({ path }: SchemaView, reference: string): SchemaView {
    const pointer = reference.startsWith("#") ? decodePointer(reference.slice(1)) : null;
    const found = pointer === null ? undefined : followPointer(this.#root, pointer);
    if (pointer !== null && found !== undefined) return viewSchema(found, pointer);
    const hint =
      pointer === null ? "only those within the schema, such as '#/$defs/name', are followed" : "it leads nowhere";
    throw new UnsupportedSchemaError(path, `'$ref' to '${reference.slice(0, 100)}': ${hint}`);
  }

  resolve(view: SchemaView): SchemaView {
    const seen = new Set<string>();
    let resolved = view;
    for (;;) {
      const reference = readText(resolved, "$ref");
      if (reference === null || isConstrained({ ...resolved, schema: pickConstraints(resolved, ["$ref"]) }))
        return resolved;
      if (seen.has(reference)) throw new UnsupportedSchemaError(view.path, "a reference leads to itself");
      seen.add(reference);
      resolved = this.#look(resolved, reference);
    }
  }

  #mergeParts(view: SchemaView, parts: readonly unknown[]): SchemaView {
    if (parts.length > PARTS_MAX) {
      throw new SchemaTooLargeError(view.path, `'allOf' has more than ${PARTS_MAX} parts`);
    }
    const own: SchemaView = { schema: pickConstraints(view, ["allOf"]), path: view.path };
    return parts.reduce<SchemaView>((merged, part, index) => {
      const resolved = this.#repair(this.resolve(this.view(part, join(view.path, "allOf", index))));
      return this.merge(merged, resolved);
    }, own);
  }

  #union(view: SchemaView, keyword: "anyOf" | "oneOf"): GrammarNode {
    if (this.#compilation.level === "shallow") {
      this.#compilation.relax(view.path, keyword, "the schema is too large");
      return this.#anyOfType(view);
    }
    const listed = readList(view, keyword) ?? [];
    this.#compilation.spend(listed.length);
    const all = listed.map((option, index) => this.view(option, join(view.path, keyword, index)));
    if (all.length === 0) throw new UnsupportedSchemaError(view.path, `'${keyword}' is empty`);
    const options = keyword === "oneOf" ? this.#separate(view, all) : all;
    const base: SchemaView = { schema: pickConstraints(view, [keyword]), path: view.path };
    const isPlain = !isConstrained(base);
    return choice(
      ...options.map((option) => {
        if (isPlain) return this.compile(option);
        const merged = this.merge({ ...base, path: option.path }, this.#repair(this.resolve(option)));
        return this.compile(merged);
      }),
    );
  }

  /** Makes the options disjoint: no value conforms to two of them. */
  #separate(view: SchemaView, options: readonly SchemaView[]): readonly SchemaView[] {
    const isApart = (all: readonly SchemaView[]) =>
      all.every((option, index) => all.slice(index + 1).every((other) => this.#areDisjoint(option, other)));
    if (isApart(options)) return options;
    const tagged = requireTag(options.map((option) => this.resolve(option)));
    if (tagged !== null && isApart(tagged)) return tagged;
    const reason = "'oneOf' can't be enforced where a value may conform to two of its schemas; use 'anyOf'";
    this.#compilation.relax(view.path, "oneOf", reason);
    return options;
  }

  /** Null when any type is allowed. */
  #typesOf(view: SchemaView): readonly TypeName[] | null {
    const { type } = view.schema;
    const named = type === undefined || type === null ? inferType(view.schema) : Array.isArray(type) ? type : [type];
    if (named === null) return null;
    const types = [...new Set<unknown>(named)].map((name) => {
      const known = TYPES.find((candidate) => candidate === name);
      if (known !== undefined) return known;
      throw new UnsupportedSchemaError(view.path, `there is no type ${JSON.stringify(name)?.slice(0, 60)}`);
    });
    return view.schema["nullable"] === true && !types.includes("null") ? [...types, "null"] : types;
  }

  #typed(view: SchemaView, type: TypeName): GrammarNode {
    switch (type) {
      case "null":
      case "boolean":
        return rule(type);
      case "string":
        return compileString(view, this.#compilation);
      case "integer":
      case "number":
        return compileNumber(view, type, this.#compilation);
      case "array":
        return compileArray(view, this.#compilation, this);
      case "object":
        return compileObject(view, this.#compilation, this);
    }
  }
}

/** @param values those of `enum`, among which it has to be. */
function readConstant({ schema, path }: SchemaView, values: readonly unknown[] | null): unknown {
  const text = JSON.stringify(schema["const"]);
  if (values === null || values.some((value) => JSON.stringify(value) === text)) return schema["const"];
  throw new UnsupportedSchemaError(path, "its 'const' is not in its 'enum'");
}

const IMPLIED_TYPES: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  [
    "object",
    [
      "properties",
      "required",
      "additionalProperties",
      "patternProperties",
      "propertyNames",
      "minProperties",
      "maxProperties",
    ],
  ],
  ["array", ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"]],
  ["string", ["pattern", "format", "minLength", "maxLength"]],
  ["number", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]],
];

function inferType(schema: SchemaObject): readonly string[] | null {
  const isSaid = (keyword: string) => schema[keyword] !== undefined && schema[keyword] !== null;
  const implied = IMPLIED_TYPES.find(([, keywords]) => keywords.some(isSaid));
  return implied === undefined ? null : [implied[0]];
}

function decodePointer(fragment: string): string | null {
  try {
    const pointer = decodeURIComponent(fragment);
    return pointer === "" || pointer.startsWith("/") ? pointer : null;
  } catch {
    return null;
  }
}
