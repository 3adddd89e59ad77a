/** Strings with a pattern, a format, a length, or several of them, as one automaton and as a grammar. */

import { ANY_STRING, acceptsNothing, intersect, limitLength } from "./automaton/automaton.ts";
import type { Automaton } from "./automaton/automaton.ts";
import { spellAutomaton } from "./automaton/automaton-text.ts";
import type { TextRules } from "./automaton/automaton-text.ts";
import { PatternError, compilePattern } from "./automaton/regular-expression.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { readCount, readText } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";
import { STRING_FORMATS } from "./string-formats.ts";
import { characterWithin, quoted, stringOfLength } from "./string-text.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";
import { createBudget } from "./work-budget.ts";
import type { Spend } from "./work-budget.ts";

export interface StringRules extends TextRules {
  readonly spend: Spend;
  /** What was made before, by what was asked for. */
  readonly strings: Map<string, GrammarNode>;
}

/** @throws UnsupportedSchemaError */
export function compileString(view: SchemaView, rules: StringRules): GrammarNode {
  const [pattern, format] = [readText(view, "pattern"), readText(view, "format")];
  const [min, max] = readLengths(view);
  if (pattern === null && !STRING_FORMATS.has(format ?? "")) return stringOfLength(min, max);
  const key = JSON.stringify([pattern, format, min, max]);
  let node = rules.strings.get(key);
  if (node === undefined) {
    const automaton = readAutomaton(view, rules.spend);
    node = quoted(spellStrings(automaton, rules));
    rules.strings.set(key, node);
  }
  return node;
}

/** The strings that a schema of strings allows, without their quotes. @throws UnsupportedSchemaError */
function readAutomaton(view: SchemaView, spend: Spend): Automaton {
  const [pattern, format] = [readText(view, "pattern"), readText(view, "format")];
  const [min, max] = readLengths(view);
  const patterned = pattern === null ? ANY_STRING : readPattern(view, pattern, spend);
  const automaton = limitLength(intersect(patterned, readFormat(format), spend), { min, max }, spend);
  if (!acceptsNothing(automaton)) return automaton;
  throw new UnsupportedSchemaError(view.path, "no string conforms to it");
}

/** @throws UnsupportedSchemaError */
function readPattern({ path }: SchemaView, pattern: string, spend: Spend): Automaton {
  try {
    return compilePattern(pattern, spend);
  } catch (thrown) {
    if (!(thrown instanceof PatternError)) throw thrown;
    throw new UnsupportedSchemaError(path, `'pattern' can't be enforced: ${thrown.message}`);
  }
}

function spellStrings(automaton: Automaton, rules: TextRules): GrammarNode {
  return spellAutomaton(automaton, rules, characterWithin);
}

function readLengths(view: SchemaView): [min: number, max: number | null] {
  const [min, max] = [readCount(view, "minLength") ?? 0, readCount(view, "maxLength")];
  if (max === null || min <= max) return [min, max];
  throw new UnsupportedSchemaError(view.path, "no string is as short and as long");
}

const formats = new Map<string, Automaton>();

/** A format that is not known is an annotation. */
function readFormat(name: string | null): Automaton {
  const format = STRING_FORMATS.get(name ?? "");
  if (name === null || format === undefined) return ANY_STRING;
  let automaton = formats.get(name);
  if (automaton === undefined) formats.set(name, (automaton = compilePattern(format.exact, createBudget())));
  return automaton;
}
