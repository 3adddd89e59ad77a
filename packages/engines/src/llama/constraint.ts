/** Constrains what a model samples to the requested output format, and completes the text when the tokens run out. */

import type { GenerationRequest } from "@openai-compat/core";
import type { SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { createCompletionBudgetGuard } from "../grammar/completion-budget-guard.ts";
import type { CompletionBudgetGuard } from "../grammar/completion-budget-guard.ts";
import type { AnswerReader } from "./answer-reader.ts";
import type { LoadedModel } from "./loaded-model.ts";

export interface Constraint {
  /** Passes the grammar to the native sampler. */
  readonly grammarOption: Pick<SequenceEvaluateOptions, "grammarEvaluationState">;
  /**
   * Call with each sampled token, before its text is pushed to the reader.
   *
   * @param tokensLeft how many more may follow it.
   * @returns the sampled token; or, once a token would leave no room to end the text, the tokens of the shortest ending
   *   one by one; null when nothing may follow.
   */
  choose(sampled: Token, tokensLeft: number): Token | null;
  /** `closing`: the shortest ending has begun; `closed`: all of it has been chosen. */
  readonly state: "open" | "closing" | "closed";
  /** Whether the text was already complete when the tokens ran out. */
  readonly isWhole: boolean;
}

/** @returns null for free text. */
export async function constrainOutput(
  loaded: LoadedModel,
  { output }: GenerationRequest,
  reader: AnswerReader,
): Promise<Constraint | null> {
  const { module, model } = loaded;
  const compiled = await loaded.outputGrammars.compile(output);
  if (compiled === null) return null;
  const { outputGrammar, native } = compiled;
  const state = new module.LlamaGrammarEvaluationState({ model, grammar: native });
  // A grammar that starts at a call gets its first token after the one that began the call.
  const holds = () => !outputGrammar.startsAtCall || reader.isTagged;
  const countTokens = (text: string) => encodeEnding(loaded, text)?.length ?? Number.POSITIVE_INFINITY;
  let guard: CompletionBudgetGuard | null | undefined;
  let ending: Token[] | null = null;
  let isWhole = false;
  return {
    grammarOption: { grammarEvaluationState: () => (ending === null && holds() ? state : undefined) },
    choose(sampled, tokensLeft) {
      if (ending === null) {
        if (!holds() || model.isEogToken(sampled)) return sampled;
        if (guard === undefined)
          guard = createCompletionBudgetGuard(outputGrammar.grammar, { tokensMax: tokensLeft + 1, countTokens });
        if (guard === null || guard.accept(Uint8Array.from(loaded.decodeToken(sampled).bytes), tokensLeft))
          return sampled;
        const text = guard.shortestEnding();
        isWhole = text === "";
        ending = encodeEnding(loaded, text) ?? [];
      }
      return ending.shift() ?? null;
    },
    get state() {
      return ending === null ? "open" : ending.length > 0 ? "closing" : "closed";
    },
    get isWhole() {
      return isWhole;
    },
  };
}

/** @returns null where the vocabulary can't encode it. */
function encodeEnding({ model, decodeToken }: LoadedModel, text: string): Token[] | null {
  const tokens = model.tokenize(text, false, "trimLeadingSpace");
  const bytes = tokens.flatMap((token) => [...decodeToken(token).bytes]);
  return Buffer.from(text).equals(Buffer.from(bytes)) ? tokens : null;
}
