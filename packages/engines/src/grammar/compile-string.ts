/** Compiles strings with a pattern, a format, a length, or several of them, to one automaton and to a grammar. */

import { ANY_STRING, acceptsNothing, intersect, limitLength } from "./automaton/automaton.ts";
import type { Automaton } from "./automaton/automaton.ts";
import { createAutomatonCache } from "./automaton/automaton-cache.ts";
import { compileAutomaton } from "./automaton/automaton-text.ts";
import type { TextRules } from "./automaton/automaton-text.ts";
import { PatternError, compilePattern } from "./automaton/regular-expression.ts";
import type { Compilation } from "./compilation.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { readCount, readText } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import { STRING_FORMATS } from "./string-formats.ts";
import { characterWithin, quoted, stringOfLength } from "./string-text.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";
import { createBudget } from "./work-budget.ts";
import type { Spend } from "./work-budget.ts";

/** The limits of a string. */
interface StringLimits {
  readonly pattern: string | null;
  /** One of the known formats. */
  readonly format: string | null;
  readonly min: number;
  readonly max: number | null;
}

/** @throws UnsupportedSchemaError */
export function compileString(view: SchemaView, compilation: Compilation): GrammarNode {
  if (compilation.level !== "all") return stringOfLength(0, null);
  const limits = readLimits(view);
  const { pattern, format, min, max } = limits;
  if (pattern === null && format === null) return stringOfLength(min, max);
  const key = JSON.stringify(limits);
  let node = compilation.strings.get(key);
  if (node === undefined) {
    const automaton = readStrings(view, compilation);
    node = automaton === ANY_STRING ? stringOfLength(min, max) : quoted(compileStrings(automaton, compilation));
    compilation.strings.set(key, node);
  }
  return node;
}

/** The strings that a schema of strings allows, without their quotes. @throws UnsupportedSchemaError */
export function readStrings(view: SchemaView, compilation: Compilation): Automaton {
  const limits = readLimits(view);
  if (compilation.isStrict) return findStrings(view, limits, compilation);
  const attempts: [keyword: string | null, StringLimits][] = [
    [null, limits],
    [limits.max === null ? "minLength" : "maxLength", { ...limits, min: 0, max: null }],
    ["pattern", { ...limits, pattern: null, min: 0, max: null }],
    ["format", { pattern: null, format: null, min: 0, max: null }],
  ];
  for (const [keyword, attempt] of attempts) {
    if (keyword !== null && view.schema[keyword] !== undefined) {
      compilation.relax(view.path, keyword, `'${keyword}' can't be enforced`);
    }
    try {
      return findStrings(view, attempt, compilation);
    } catch (thrown) {
      if (!(thrown instanceof UnsupportedSchemaError)) throw thrown;
    }
  }
  return ANY_STRING;
}

/** Compiled automata, and the errors of those that could not be compiled. */
const kept = createAutomatonCache();
/** Steps for the strings of one schema; beyond it, a hint loses a part. */
const STRINGS_STEPS_MAX = 200_000;
const HINT_STEPS_MAX = 60_000;

function findStrings({ path }: SchemaView, limits: StringLimits, compilation: Compilation): Automaton {
  const { isStrict } = compilation;
  return kept.find(JSON.stringify([limits, isStrict]), path, () => {
    const spend = compilation.beginAutomaton(isStrict ? STRINGS_STEPS_MAX : HINT_STEPS_MAX);
    const { pattern, format, min, max } = limits;
    const patterned = pattern === null ? ANY_STRING : readPattern(pattern, spend);
    const strings = limitLength(intersect(patterned, readFormat(format, isStrict), spend), { min, max }, spend);
    if (!acceptsNothing(strings)) return strings;
    throw new UnsupportedSchemaError("", "no string conforms to it");
  });
}

/** The strings that a pattern matches. @throws UnsupportedSchemaError */
export function findPattern(path: string, pattern: string, { beginAutomaton }: Compilation): Automaton {
  return kept.find(JSON.stringify(pattern), path, () => readPattern(pattern, beginAutomaton(STRINGS_STEPS_MAX)));
}

function readPattern(pattern: string, spend: Spend): Automaton {
  try {
    return compilePattern(pattern, spend);
  } catch (thrown) {
    if (!(thrown instanceof PatternError)) throw thrown;
    throw new UnsupportedSchemaError("", `'pattern' can't be enforced: ${thrown.message}`);
  }
}

/** A string of the automaton without quotes. */
export function compileStrings(automaton: Automaton, rules: TextRules): GrammarNode {
  return compileAutomaton(automaton, rules, characterWithin);
}

function readLimits(view: SchemaView): StringLimits {
  const format = readText(view, "format");
  const [min, max] = [readCount(view, "minLength") ?? 0, readCount(view, "maxLength")];
  if (max !== null && min > max) throw new UnsupportedSchemaError(view.path, "no string is as short and as long");
  return { pattern: readText(view, "pattern"), format: STRING_FORMATS.has(format ?? "") ? format : null, min, max };
}

/** They are compiled once. */
const FORMAT_STEPS_MAX = 400_000;
const formats = new Map<string, Automaton>();

/** A strict schema gets only strings of the format, a hint all strings that may have it. */
function readFormat(name: string | null, isStrict: boolean): Automaton {
  const format = STRING_FORMATS.get(name ?? "");
  if (format === undefined) return ANY_STRING;
  const source = isStrict ? format.exact : (format.wide ?? format.exact);
  let automaton = formats.get(source);
  if (automaton === undefined)
    formats.set(source, (automaton = compilePattern(source, createBudget(FORMAT_STEPS_MAX))));
  return automaton;
}
