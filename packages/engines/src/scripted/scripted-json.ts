/**
 * Structured output of the scripted engine: the same for the same schema, made from the grammar that constrains a real
 * model.
 */

import { createCompletionBudgetGuard } from "../grammar/completion-budget-guard.ts";
import { createGrammarBuilder } from "../grammar/grammar-builder.ts";
import type { Grammar } from "../grammar/grammar-node.ts";
import { createSeededRandom, sampleGrammar } from "../grammar/sample-grammar.ts";
import { decodeToken, encodeText } from "./scripted-tokens.ts";

/** A text, and the grammar that it still conforms to when a limit cuts it; null for free text. */
export interface ConstrainedText {
  readonly text: string;
  readonly grammar: Grammar | null;
}

const SEED = 7;

export function composeJson(grammar: Grammar): ConstrainedText {
  return { text: sampleGrammar(grammar, createSeededRandom(SEED), { isReadable: true }), grammar };
}

/** The words as an object of JSON. */
export function wrapInJson(reply: string): ConstrainedText {
  const builder = createGrammarBuilder();
  return { text: JSON.stringify({ reply }), grammar: builder.build(builder.jsonObject()) };
}

export interface FittedTokens {
  readonly tokens: readonly number[];
  /** `closed`: cut, then completed under its grammar; `cut`: cut and incomplete. */
  readonly end: "whole" | "closed" | "cut";
}

/** A text as far as a limit lets it be said. */
export function fitTokens(tokens: readonly number[], grammar: Grammar | null, tokensMax: number): FittedTokens {
  if (tokens.length <= tokensMax) return { tokens, end: "whole" };
  const guard =
    grammar === null
      ? null
      : createCompletionBudgetGuard(grammar, { tokensMax, countTokens: (text) => encodeText(text).length });
  if (guard === null) return { tokens: tokens.slice(0, tokensMax), end: "cut" };
  const refused = tokens.findIndex((token, at) => !guard.accept(Buffer.from(decodeToken(token)), tokensMax - at - 1));
  return { tokens: [...tokens.slice(0, refused), ...encodeText(guard.shortestEnding())], end: "closed" };
}
