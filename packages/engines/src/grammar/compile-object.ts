/** Compiles a schema of objects to a grammar. */

import { ANY_STRING, acceptsNothing, acceptsText, intersect, subtract } from "./automaton/automaton.ts";
import type { Automaton } from "./automaton/automaton.ts";
import { NondeterministicAutomaton } from "./automaton/nondeterministic.ts";
import type { Compilation } from "./compilation.ts";
import { compileStrings, findPattern, readStrings } from "./compile-string.ts";
import { choice, literal } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { objectOf, otherName } from "./object-text.ts";
import type { Extra } from "./object-text.ts";
import { speaksOfMembers } from "./schema-keywords.ts";
import { join, readCount, readList, readMap, readNames } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import type { Subschemas } from "./subschemas.ts";
import { SchemaTooLargeError, UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/** Members whose names match a pattern. */
interface PatternMembers {
  readonly names: Automaton;
  readonly view: SchemaView;
}

/** @throws UnsupportedSchemaError */
export function compileObject(view: SchemaView, compilation: Compilation, subschemas: Subschemas): GrammarNode {
  return new ObjectCompiler(view, compilation, subschemas).compile();
}

class ObjectCompiler {
  readonly #view: SchemaView;
  readonly #compilation: Compilation;
  readonly #subschemas: Subschemas;
  readonly #required: ReadonlySet<string>;
  readonly #names: Automaton | null;
  readonly #patterns: readonly PatternMembers[];

  constructor(view: SchemaView, compilation: Compilation, subschemas: Subschemas) {
    this.#view = view;
    this.#compilation = compilation;
    this.#subschemas = subschemas;
    this.#required = new Set(readNames(view, "required"));
    this.#names = this.#readNames();
    this.#patterns = this.#readPatterns();
  }

  compile(): GrammarNode {
    const { schema, path } = this.#view;
    const properties = readMap(this.#view, "properties") ?? {};
    const { additionalProperties: more } = schema;
    const declared = new Map(Object.entries(properties));
    for (const name of this.#required) if (!declared.has(name)) declared.set(name, this.#valueOfOther(name));
    const members = [...declared].flatMap(([name, value]) => {
      const isRequired = this.#required.has(name);
      const isPossible = value !== false && this.#takesName(name);
      if (!isPossible && isRequired) {
        throw new UnsupportedSchemaError(path, `'${name.slice(0, 60)}' is required, and not allowed`);
      }
      return isPossible ? [{ name, value: this.#compileMember(name, value), isRequired }] : [];
    });
    const isNamed = declared.size > 0 || this.#patterns.length > 0;
    const isOpen = speaksOfMembers(this.#view) || (more === undefined || more === null ? !isNamed : more !== false);
    const names = [...declared.keys()];
    const extras = [...this.#listPatternExtras(names)];
    if (isOpen) extras.push(...this.#otherExtra(names, more === false ? true : (more ?? true)));
    const counts = this.#readCounts(members.length, extras.length > 0);
    if (counts.isFilled && members.length + extras.length === 0) {
      throw new UnsupportedSchemaError(path, "a member has to be there, and none is allowed");
    }
    return objectOf(members, extras, { ...counts, define: (node) => this.#compilation.define(node) });
  }

  /** The schema of a required member that is not declared. */
  #valueOfOther(name: string): unknown {
    const { additionalProperties: more } = this.#view.schema;
    const isPatterned = this.#patterns.some(({ names }) => acceptsText(names, name));
    return isPatterned || (more === false && speaksOfMembers(this.#view)) ? true : (more ?? true);
  }

  #takesName(name: string): boolean {
    return this.#names === null || acceptsText(this.#names, name);
  }

  /** It also has to conform to the schemas of all patterns that its name matches. */
  #compileMember(name: string, value: unknown): GrammarNode {
    const own = this.#subschemas.view(value, join(this.#view.path, "properties", name));
    const matching = this.#patterns.filter(({ names }) => acceptsText(names, name));
    return this.#subschemas.compile(matching.reduce((merged, { view }) => this.#subschemas.merge(merged, view), own));
  }

  /** Names that match exactly one pattern; those that match two are left out. */
  *#listPatternExtras(declared: readonly string[]): Generator<Extra> {
    const { spend } = this.#compilation;
    for (const [index, { names, view }] of this.#patterns.entries()) {
      const others = this.#patterns.filter((_, at) => at !== index);
      const own = others.reduce((left, other) => subtract(left, other.names, spend), this.#limitNames(names));
      const free = subtract(own, this.#listNames(declared), spend);
      if (acceptsNothing(free)) continue;
      yield { name: compileStrings(free, this.#compilation), value: this.#subschemas.compile(view) };
    }
  }

  #otherExtra(declared: readonly string[], more: unknown): readonly Extra[] {
    const value = this.#subschemas.compile(this.#subschemas.view(more, join(this.#view.path, "additionalProperties")));
    if (this.#names === null && this.#patterns.length === 0) {
      return [{ name: otherName(declared, (node) => this.#compilation.define(node)), value }];
    }
    const { spend } = this.#compilation;
    const apart = this.#patterns.reduce((left, { names }) => subtract(left, names, spend), this.#names ?? ANY_STRING);
    const free = subtract(apart, this.#listNames(declared), spend);
    return acceptsNothing(free) ? [] : [{ name: compileStrings(free, this.#compilation), value }];
  }

  #limitNames(names: Automaton): Automaton {
    return this.#names === null ? names : intersect(names, this.#names, this.#compilation.spend);
  }

  #listNames(names: readonly string[]): Automaton {
    const parts = new NondeterministicAutomaton(this.#compilation.spend);
    const end = parts.addState();
    if (names.length === 0) return parts.determinise(parts.addState(), end, true);
    return parts.determinise(parts.addNode(choice(...names.map(literal)), end), end, true);
  }

  /** Null for any names. */
  #readNames(): Automaton | null {
    const { schema, path } = this.#view;
    const value = schema["propertyNames"];
    if (value === undefined || value === null || value === true || this.#compilation.level !== "all") return null;
    const names = this.#subschemas.resolve(this.#subschemas.view(value, join(path, "propertyNames")));
    const listed = "const" in names.schema ? [names.schema["const"]] : readList(names, "enum");
    if (listed !== null) return this.#listNames(listed.filter((name) => typeof name === "string"));
    const limits = Object.keys(names.schema).filter((keyword) => NAME_LIMITS.has(keyword));
    if (limits.some((keyword) => !STRING_LIMITS.has(keyword)) || (names.schema["type"] ?? "string") !== "string") {
      this.#compilation.relax(path, "propertyNames", "'propertyNames' can't be enforced but for strings");
      return null;
    }
    const strings = readStrings(names, this.#compilation);
    return strings === ANY_STRING ? null : strings;
  }

  /** If one of them can't be enforced, none is: any name might match it, with any value. */
  #readPatterns(): readonly PatternMembers[] {
    const { path } = this.#view;
    const patterns = Object.entries(readMap(this.#view, "patternProperties") ?? {});
    if (patterns.length === 0) return [];
    try {
      if (this.#compilation.level !== "all") throw new SchemaTooLargeError(path, "the schema is too large");
      return patterns.map(([pattern, value]) => ({
        names: findPattern(path, pattern, this.#compilation),
        view: this.#subschemas.view(value, join(path, "patternProperties", pattern)),
      }));
    } catch (thrown) {
      if (!(thrown instanceof UnsupportedSchemaError)) throw thrown;
      this.#compilation.relax(path, "patternProperties", thrown.message);
    }
    return [{ names: ANY_STRING, view: { schema: {}, path } }];
  }

  /** Bounds on the number of members, as far as a grammar can count them: a repeated name is one member. */
  #readCounts(declared: number, isOpen: boolean): { readonly isFilled: boolean; readonly max: number | null } {
    const { path } = this.#view;
    if (this.#compilation.level !== "all") return { isFilled: false, max: null };
    const [min, max] = [readCount(this.#view, "minProperties") ?? 0, readCount(this.#view, "maxProperties")];
    if (max !== null && max < this.#required.size)
      throw new UnsupportedSchemaError(path, "more members are required than allowed");
    if (min > Math.max(1, this.#required.size)) {
      this.#compilation.relax(path, "minProperties", "'minProperties' can't be enforced above 1");
    }
    const isCounted = max !== null && (isOpen || max < declared);
    if (isCounted && (declared > 0 || max === 0)) {
      this.#compilation.relax(path, "maxProperties", "'maxProperties' can't be enforced beside 'properties'");
    }
    return { isFilled: min > 0, max: isCounted && declared === 0 && max > 0 ? max : null };
  }
}

const STRING_LIMITS: ReadonlySet<string> = new Set(["type", "pattern", "format", "minLength", "maxLength"]);
const NAME_LIMITS: ReadonlySet<string> = new Set([...STRING_LIMITS, "anyOf", "oneOf", "allOf", "$ref", "not"]);
