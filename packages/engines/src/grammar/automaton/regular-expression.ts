/**
 * Compiles a regular expression of a JSON Schema (ECMAScript) to an automaton of the strings that it matches anywhere.
 * Exact: what can't be compiled is refused.
 */

import { RegExpParser } from "@eslint-community/regexpp";
import type { AST } from "@eslint-community/regexpp";
import { invertRanges, normaliseRanges } from "../grammar-node.ts";
import type { CharacterRange } from "../grammar-node.ts";
import type { Spend } from "../work-budget.ts";
import { ANY_STRING, intersect, subtract } from "./automaton.ts";
import type { Automaton } from "./automaton.ts";
import type { CharacterSet } from "./character-classes.ts";
import { NondeterministicAutomaton } from "./nondeterministic.ts";
import { listUnicodeSet } from "./unicode-sets.ts";

/** Says why a pattern can't be compiled. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const PATTERN_LENGTH_MAX = 4000;

/** @throws PatternError; SchemaTooLargeError when its automaton is too large */
export function compilePattern(source: string, spend: Spend): Automaton {
  if (source.length > PATTERN_LENGTH_MAX) throw new PatternError(`it is longer than ${PATTERN_LENGTH_MAX} characters`);
  spend(source.length);
  return new PatternCompiler(parse(source), spend).compile();
}

/** JSON Schema requires the flag `u`; hand-written patterns use escapes that it forbids. */
function parse(source: string): AST.Pattern {
  const parser = new RegExpParser({ ecmaVersion: 2025 });
  try {
    return parser.parsePattern(source, 0, source.length, { unicode: true });
  } catch {
    try {
      return parser.parsePattern(source, 0, source.length, { unicode: false });
    } catch (thrown) {
      if (!(thrown instanceof SyntaxError)) throw thrown;
      throw new PatternError("it is not a regular expression");
    }
  }
}

const ANY = ANY_STRING.classes[0] ?? [];
const DIGITS: CharacterSet = [[0x30, 0x39]];
const WORD = normaliseRanges([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const LINE_ENDS = normaliseRanges([
  [0xa, 0xa],
  [0xd, 0xd],
  [0x2028, 0x2029],
]);
/** ECMAScript's white space and line ends. */
const SPACE = normaliseRanges([
  [0x9, 0xd],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  ...Array.from(" \u00a0\u1680\u202f\u205f\u3000\ufeff", (character): CharacterRange => {
    const code = character.codePointAt(0) ?? 0;
    return [code, code];
  }),
]);

/** Builds an expression from its end to its beginning: each part gets the state that follows it. */
class PatternCompiler {
  readonly #pattern: AST.Pattern;
  readonly #parts: NondeterministicAutomaton;
  readonly #spend: Spend;
  readonly #sets = new Map<string, CharacterSet>();
  readonly #end: number;
  #repetitions = 0;

  constructor(pattern: AST.Pattern, spend: Spend) {
    this.#pattern = pattern;
    this.#spend = spend;
    this.#parts = new NondeterministicAutomaton(spend);
    this.#end = this.#parts.addState();
  }

  /** The expression may match anywhere. */
  compile(): Automaton {
    const after = this.#addAnything(this.#end);
    const before = this.#addAnything(this.#addAlternatives(this.#pattern.alternatives, after));
    return this.#parts.determinise(before, this.#end, true);
  }

  #addAnything(next: number): number {
    const state = this.#parts.addState();
    this.#parts.addEdge(state, ANY, state);
    this.#parts.addStep(state, next);
    return state;
  }

  #addAlternatives(alternatives: readonly AST.Alternative[], next: number): number {
    const [only] = alternatives;
    if (alternatives.length === 1 && only !== undefined) return this.#addAlternative(only, next);
    const state = this.#parts.addState();
    for (const alternative of alternatives) this.#parts.addStep(state, this.#addAlternative(alternative, next));
    return state;
  }

  #addAlternative({ elements }: AST.Alternative, next: number): number {
    return elements.reduceRight((after, element) => this.#addElement(element, after), next);
  }

  #addElement(element: AST.Element, next: number): number {
    switch (element.type) {
      case "Character":
      case "CharacterClass":
      case "CharacterSet":
        return this.#addSet(this.#readSet(element), next);
      case "Group":
        if (element.modifiers !== null) throw new PatternError("it changes its flags");
        return this.#addAlternatives(element.alternatives, next);
      case "CapturingGroup":
        return this.#addAlternatives(element.alternatives, next);
      case "Quantifier":
        return this.#addRepetition(element, next);
      case "Assertion":
        return this.#addAssertion(element, next);
      case "Backreference":
        throw new PatternError("it refers to what a group has matched");
      case "ExpressionCharacterClass":
        throw new PatternError("it calculates with sets of characters");
    }
  }

  #addSet(ranges: CharacterSet, next: number): number {
    const state = this.#parts.addState();
    if (ranges.length > 0) this.#parts.addEdge(state, ranges, next);
    return state;
  }

  #addRepetition(quantifier: AST.Quantifier, next: number): number {
    const { element, min, max } = simplify(quantifier);
    this.#repetitions += max > 1 ? 1 : 0;
    let state = next;
    if (max === Number.POSITIVE_INFINITY) {
      state = this.#parts.addState();
      this.#parts.addStep(state, this.#addElement(element, state));
      this.#parts.addStep(state, next);
    }
    for (let count = min; count < max && max !== Number.POSITIVE_INFINITY; count += 1) {
      const option = this.#parts.addState();
      this.#parts.addStep(option, this.#addElement(element, state));
      this.#parts.addStep(option, next);
      state = option;
    }
    for (let count = 0; count < min; count += 1) state = this.#addElement(element, state);
    this.#repetitions -= max > 1 ? 1 : 0;
    return state;
  }

  #addAssertion(assertion: AST.Assertion, next: number): number {
    switch (assertion.kind) {
      case "start":
      case "end": {
        const state = this.#parts.addState();
        this.#parts.addStep(state, next, assertion.kind === "start" ? "at-start" : "at-end");
        return state;
      }
      case "lookahead":
        return this.#addLookahead(assertion, next);
      case "lookbehind":
        throw new PatternError("it looks behind");
      case "word":
        throw new PatternError("it asks for the boundary of a word");
    }
  }

  /** All that follows, restricted to what the assertion allows. */
  #addLookahead({ alternatives, negate }: AST.LookaheadAssertion, next: number): number {
    if (this.#repetitions > 0) throw new PatternError("it looks ahead in a repetition");
    const rest = this.#parts.determiniseRest(next, this.#end);
    const first = this.#addAlternatives(alternatives, this.#addAnything(this.#end));
    const expected = this.#parts.determiniseRest(first, this.#end);
    if (rest === null || expected === null) throw new PatternError("it looks ahead for the start");
    const kept = negate ? subtract(rest, expected, this.#spend) : intersect(rest, expected, this.#spend);
    return this.#parts.addAutomaton(kept, this.#end);
  }

  #readSet(element: AST.Character | AST.CharacterClass | AST.CharacterSet): CharacterSet {
    let ranges = this.#sets.get(element.raw);
    if (ranges === undefined) this.#sets.set(element.raw, (ranges = invertRanges(invertRanges(readRanges(element)))));
    return ranges;
  }
}

/**
 * A part that may be empty needs no minimum: `(a?){9}` becomes `a{0,9}`, with far fewer ways to match.
 */
function simplify({ element, min, max }: AST.Quantifier): {
  element: AST.QuantifiableElement;
  min: number;
  max: number;
} {
  const inner = unwrap(element);
  if (inner.type !== "Quantifier" || inner.min > 0 || (inner.max > 1 && inner.max !== Number.POSITIVE_INFINITY)) {
    return { element, min, max };
  }
  const most = max === 0 ? 0 : Math.max(max, inner.max);
  return simplify({ ...inner, min: 0, max: most });
}

/** The content of a group that has a single element. */
function unwrap(element: AST.Element): AST.Element {
  if (element.type !== "Group" && element.type !== "CapturingGroup") return element;
  const [first, ...others] = element.alternatives;
  const [only] = first?.elements ?? [];
  const isSingle = others.length === 0 && first?.elements.length === 1 && only !== undefined;
  return isSingle && (element.type === "CapturingGroup" || element.modifiers === null) ? unwrap(only) : element;
}

function readRanges(
  element: AST.Character | AST.CharacterClass | AST.CharacterSet | AST.CharacterClassElement,
): CharacterSet {
  switch (element.type) {
    case "Character":
      return [[element.value, element.value]];
    case "CharacterClassRange":
      return [[element.min.value, element.max.value]];
    case "CharacterSet":
      return readNamedSet(element);
    case "CharacterClass": {
      const ranges = normaliseRanges(element.elements.flatMap((part) => readRanges(part)));
      return element.negate ? invertRanges(ranges) : ranges;
    }
    case "ClassStringDisjunction":
    case "ExpressionCharacterClass":
      throw new PatternError("it calculates with sets of characters");
  }
}

function readNamedSet(set: AST.CharacterSet): CharacterSet {
  switch (set.kind) {
    case "any":
      return invertRanges(LINE_ENDS);
    case "digit":
      return set.negate ? invertRanges(DIGITS) : DIGITS;
    case "word":
      return set.negate ? invertRanges(WORD) : WORD;
    case "space":
      return set.negate ? invertRanges(SPACE) : SPACE;
    case "property":
      return requireKnown(listUnicodeSet(set.raw));
  }
}

function requireKnown(set: CharacterSet | null): CharacterSet {
  if (set === null) throw new PatternError("it asks for a Unicode property that this server does not know");
  return set;
}
