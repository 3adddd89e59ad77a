/**
 * A JSON Schema as a grammar of the JSON texts that fit it. Never wider than the schema; narrower where a wider one would
 * need more than a grammar: members come in the declared order, and others only where they are asked for. What can't be
 * kept to is refused, never ignored.
 */

import { arrayOf } from "./array-text.ts";
import { createDisjointCheck } from "./disjoint-schemas.ts";
import { compileNumber, compileValues } from "./compile-scalars.ts";
import { compileString } from "./compile-string.ts";
import type { StringRules } from "./compile-string.ts";
import { choice, rule } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { mergeSchemas } from "./merge-schemas.ts";
import { objectOf } from "./object-text.ts";
import { checkKeywords, isConstrained, pickConstraints } from "./schema-keywords.ts";
import {
  followPointer,
  isObject,
  join,
  readCount,
  readList,
  readMap,
  readNames,
  readText,
  viewSchema,
} from "./schema-view.ts";
import type { SchemaObject, SchemaView } from "./schema-view.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

export interface SchemaRules extends StringRules {
  /** Gives a node a name. */
  define(node: GrammarNode): GrammarNode;
}

/** Schemas within schemas, references not counted. */
const DEPTH_MAX = 64;
/** The same with references followed to what was not seen before. */
const LEVELS_MAX = 400;
/** Each as often as it is made a grammar of: where something stands beside a reference to it, once more. */
const SCHEMAS_MAX = 2500;
/** What a schema costs, compared with one of its keywords. */
const SCHEMA_STEPS = 30;
/** Of `allOf`. */
const PARTS_MAX = 100;
/** What is compared to find out whether a value may fit two schemas of `oneOf`. */
const COMPARISONS_MAX = 20_000;
/** Items of an array with a form of their own. */
const FIRST_ITEMS_MAX = 200;
const TYPES = ["null", "boolean", "string", "integer", "number", "array", "object"] as const;
type TypeName = (typeof TYPES)[number];

/** @throws UnsupportedSchemaError */
export function compileSchema(schema: SchemaObject, rules: SchemaRules): GrammarNode {
  return new SchemaCompiler(schema, rules).compile({ schema, path: "" });
}

class SchemaCompiler {
  readonly #root: SchemaObject;
  readonly #rules: SchemaRules;
  readonly #references = new Map<string, GrammarNode>();
  #depth = 0;
  #levels = 0;
  #schemas = 0;
  #comparisons = 0;
  readonly #areDisjoint = createDisjointCheck({
    resolve: (view) => this.#resolve(view),
    spend: (count) => {
      this.#comparisons += count;
      if (this.#comparisons <= COMPARISONS_MAX) return;
      throw new SchemaTooLargeError("", "'oneOf' has too many schemas to tell them apart; use 'anyOf'");
    },
  });

  constructor(root: SchemaObject, rules: SchemaRules) {
    this.#root = root;
    this.#rules = rules;
  }

  compile(view: SchemaView): GrammarNode {
    if (this.#depth >= DEPTH_MAX) throw new SchemaTooLargeError(view.path, `it is nested deeper than ${DEPTH_MAX}`);
    if (this.#levels >= LEVELS_MAX) {
      throw new SchemaTooLargeError(view.path, `its references lead deeper than ${LEVELS_MAX}`);
    }
    this.#schemas += 1;
    if (this.#schemas > SCHEMAS_MAX) throw new SchemaTooLargeError("", `it has more than ${SCHEMAS_MAX} schemas`);
    this.#depth += 1;
    this.#levels += 1;
    this.#rules.spend(Object.keys(view.schema).length + SCHEMA_STEPS);
    checkKeywords(view);
    const node = this.#compileKnown(view);
    this.#depth -= 1;
    this.#levels -= 1;
    return node;
  }

  #compileKnown(view: SchemaView): GrammarNode {
    const { schema, path } = view;
    const reference = readText(view, "$ref");
    if (reference !== null) return this.#reference(view, reference);
    const parts = readList(view, "allOf");
    if (parts !== null) return this.compile(this.#mergeParts(view, parts));
    const union = (["anyOf", "oneOf"] as const).find(
      (keyword) => schema[keyword] !== undefined && schema[keyword] !== null,
    );
    if (union !== undefined) return this.#union(view, union);
    const values = readList(view, "enum");
    if ("const" in schema) return compileValues(view, [readConstant(view, values)], this.#rules);
    if (values !== null) return compileValues(view, values, this.#rules);
    const types = this.#typesOf(view);
    if (types === null) return rule("value");
    if (types.length === 0) throw new UnsupportedSchemaError(path, "nothing is of all its types");
    return choice(...types.map((type) => this.#typed(view, type)));
  }

  #reference(view: SchemaView, reference: string): GrammarNode {
    const beside = { schema: pickConstraints(view, ["$ref"]), path: view.path };
    if (isConstrained(beside)) {
      const target = this.#resolve({ schema: { $ref: reference }, path: view.path });
      return this.compile({
        schema: this.#merge(pickConstraints(target, []), beside.schema, view.path),
        path: view.path,
      });
    }
    const known = this.#references.get(reference);
    if (known !== undefined) return known;
    const name = this.#rules.reserve();
    const node = rule(name);
    this.#references.set(reference, node);
    const depth = this.#depth;
    this.#depth = 0;
    this.#rules.set(name, this.compile(this.#look(view, reference)));
    this.#depth = depth;
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

  /** Follows references that have nothing beside them. */
  #resolve(view: SchemaView): SchemaView {
    const seen = new Set<string>();
    let resolved = view;
    for (;;) {
      const reference = readText(resolved, "$ref");
      if (reference === null) return resolved;
      if (seen.has(reference)) throw new UnsupportedSchemaError(view.path, "a reference leads to itself");
      seen.add(reference);
      resolved = this.#look(resolved, reference);
    }
  }

  #mergeParts(view: SchemaView, parts: readonly unknown[]): SchemaView {
    if (parts.length > PARTS_MAX) {
      throw new SchemaTooLargeError(view.path, `'allOf' has more than ${PARTS_MAX} parts`);
    }
    let merged: SchemaObject = pickConstraints(view, ["allOf"]);
    for (const [index, part] of parts.entries()) {
      const resolved = this.#resolve(viewSchema(part, join(view.path, "allOf", index)));
      checkKeywords(resolved);
      merged = this.#merge(merged, pickConstraints(resolved, []), view.path);
    }
    return { schema: merged, path: view.path };
  }

  /** Each member of both is looked at. */
  #merge(left: SchemaObject, right: SchemaObject, path: string): SchemaObject {
    for (const { properties, enum: values } of [left, right]) {
      this.#rules.spend(10);
      if (isObject(properties)) this.#rules.spend(10 * Object.keys(properties).length);
      if (Array.isArray(values)) this.#rules.spend(10 * values.length);
    }
    return mergeSchemas(left, right, path);
  }

  #union(view: SchemaView, keyword: "anyOf" | "oneOf"): GrammarNode {
    const listed = readList(view, keyword) ?? [];
    this.#rules.spend(listed.length);
    const options = listed.map((option, index) => viewSchema(option, join(view.path, keyword, index)));
    if (options.length === 0) throw new UnsupportedSchemaError(view.path, `'${keyword}' is empty`);
    if (keyword === "oneOf") this.#checkDisjoint(view, options);
    const base: SchemaView = { schema: pickConstraints(view, [keyword]), path: view.path };
    if (!isConstrained(base)) return choice(...options.map((option) => this.compile(option)));
    return choice(
      ...options.map((option) => {
        const resolved = this.#resolve(option);
        checkKeywords(resolved);
        const schema = this.#merge(base.schema, pickConstraints(resolved, []), option.path);
        return this.compile({ schema, path: option.path });
      }),
    );
  }

  #checkDisjoint(view: SchemaView, options: readonly SchemaView[]): void {
    for (const [index, option] of options.entries()) {
      if (options.slice(index + 1).every((other) => this.#areDisjoint(option, other))) continue;
      const reason = "'oneOf' can't be enforced where a value may fit two of its schemas; use 'anyOf'";
      throw new UnsupportedSchemaError(view.path, reason);
    }
  }

  /** Null when a value of any type fits. */
  #typesOf(view: SchemaView): readonly TypeName[] | null {
    const { type } = view.schema;
    const named = type === undefined || type === null ? inferType(view.schema) : Array.isArray(type) ? type : [type];
    if (named === null) return null;
    const types = named.map((name: unknown) => {
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
        return compileString(view, this.#rules);
      case "integer":
      case "number":
        return compileNumber(view, type, this.#rules.spend);
      case "array":
        return this.#array(view);
      case "object":
        return this.#object(view);
    }
  }

  #array(view: SchemaView): GrammarNode {
    const { schema, path } = view;
    const isTuple = Array.isArray(schema["items"]);
    const keyword = isTuple ? "items" : "prefixItems";
    const rest = isTuple ? schema["additionalItems"] : schema["items"];
    const heads = readList(view, keyword) ?? [];
    if (heads.length > FIRST_ITEMS_MAX) {
      throw new SchemaTooLargeError(path, `'${keyword}' has more than ${FIRST_ITEMS_MAX} items`);
    }
    const min = readCount(view, "minItems") ?? 0;
    const limit = readCount(view, "maxItems");
    const max = rest === false ? Math.min(limit ?? heads.length, heads.length) : limit;
    if (max !== null && max < min) throw new UnsupportedSchemaError(path, "no array has as few and as many items");
    const others = rest === false ? null : this.compile(viewSchema(rest ?? true, join(path, "items")));
    return arrayOf({
      first: heads.map((head, index) => this.compile(viewSchema(head, join(path, keyword, index)))),
      others: others === null ? null : this.#rules.define(others),
      min,
      max,
    });
  }

  #object(view: SchemaView): GrammarNode {
    const { schema, path } = view;
    const properties = readMap(view, "properties") ?? {};
    const required = new Set(readNames(view, "required"));
    const { additionalProperties: more } = schema;
    const undeclared = [...required].filter((name) => !Object.hasOwn(properties, name));
    if (undeclared.length > 0 && more === false) {
      throw new UnsupportedSchemaError(path, `'${undeclared[0]?.slice(0, 60)}' is required, and not allowed`);
    }
    const declared = [
      ...Object.entries(properties),
      ...undeclared.map((name): [string, unknown] => [name, more ?? true]),
    ];
    const isOpen = more === undefined || more === null ? declared.length === 0 : more !== false;
    const value = isOpen ? this.compile(viewSchema(more ?? true, join(path, "additionalProperties"))) : null;
    const members = declared.flatMap(([name, member]) => {
      // Nothing fits it, so it can't be there.
      if (member === false && !required.has(name)) return [];
      const node = this.compile(viewSchema(member, join(path, "properties", name)));
      return [{ name, value: node, isRequired: required.has(name) }];
    });
    return objectOf(members, value, (node) => this.#rules.define(node));
  }
}

/** @param values those of `enum`, among which it has to be. */
function readConstant({ schema, path }: SchemaView, values: readonly unknown[] | null): unknown {
  const text = JSON.stringify(schema["const"]);
  if (values === null || values.some((value) => JSON.stringify(value) === text)) return schema["const"];
  throw new UnsupportedSchemaError(path, "its 'const' is not in its 'enum'");
}

function inferType(schema: SchemaObject): readonly string[] | null {
  if (["properties", "required", "additionalProperties"].some((keyword) => isSaid(schema, keyword))) return ["object"];
  if (["items", "prefixItems", "minItems", "maxItems"].some((keyword) => isSaid(schema, keyword))) return ["array"];
  if (["pattern", "format", "minLength", "maxLength"].some((keyword) => isSaid(schema, keyword))) return ["string"];
  const bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
  return bounds.some((keyword) => isSaid(schema, keyword)) ? ["number"] : null;
}

function isSaid(schema: SchemaObject, keyword: string): boolean {
  return schema[keyword] !== undefined && schema[keyword] !== null;
}

function decodePointer(fragment: string): string | null {
  try {
    const pointer = decodeURIComponent(fragment);
    return pointer === "" || pointer.startsWith("/") ? pointer : null;
  } catch {
    return null;
  }
}
