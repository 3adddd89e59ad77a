/**
 * `truncation: "auto"` before an upstream, whose tokenizer is not here: where it refuses a conversation for its length, the
 * conversation is sent again without its oldest turns, as many as the refusal's own numbers ask for, or half of the rest.
 */

import { dropTurns, groupTurns, steadyDrop } from "@openai-compat/core";
import type { AiError, TurnGroup } from "@openai-compat/core";
import type { Turn } from "../decode-input.ts";
import type { Parts } from "./encode-messages.ts";
import { readStatedLength } from "./stated-length.ts";
import type { StatedLength } from "./stated-length.ts";

/** Of one response; the last one sends only what is never left out. */
const TRIES_MAX = 5;
/** Of the context: what is left for an answer that says no number, as on local models. */
const ANSWER_SHARE = 0.25;

export interface ShortenOptions {
  /** Of the answer, as requested; null for no limit. */
  readonly outputTokensMax: number | null;
  /** Of what else becomes prompt: the tools. */
  readonly otherCharacters: number;
}

/** @returns a function from each refusal to the turns that are sent in its place; null where nothing more can be left out */
export function createShortener(turns: readonly Turn<Parts>[], options: ShortenOptions) {
  const groups = groupTurns(turns);
  const sizes = groups.filter(({ isKept }) => !isKept).map(measureGroup);
  let left = groups.reduce((sum, group) => sum + measureGroup(group), options.otherCharacters);
  let dropped = 0;
  let tries = 0;
  return (refusal: AiError): readonly Turn<Parts>[] | null => {
    if (dropped === sizes.length) return null;
    tries += 1;
    const excess =
      tries === TRIES_MAX
        ? Number.POSITIVE_INFINITY
        : (measureExcess(refusal, { ...options, left }) ?? halve(sizes.slice(dropped)));
    const next = steadyDrop(dropped + countTurns(sizes.slice(dropped), excess), sizes.length);
    left -= sizes.slice(dropped, next).reduce((sum, size) => sum + size, 0);
    dropped = next;
    return dropTurns(groups, dropped);
  };
}

/** Characters that the prompt has too many; null where the refusal states no numbers that say so. */
function measureExcess(
  { message }: AiError,
  { left, outputTokensMax }: ShortenOptions & { readonly left: number },
): number | null {
  const stated = readStatedLength(message);
  if (stated === null) return null;
  const tokens = stated.promptTokens + countAnswer(stated, outputTokensMax) - stated.contextTokens;
  return tokens > 0 ? (tokens * left) / stated.promptTokens : null;
}

function countAnswer({ answerTokens, contextTokens }: StatedLength, outputTokensMax: number | null): number {
  return answerTokens ?? Math.min(outputTokensMax ?? contextTokens, contextTokens * ANSWER_SHARE);
}

function halve(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0) / 2;
}

/** The fewest of the oldest turns that have so many characters, at least one. */
function countTurns(sizes: readonly number[], characters: number): number {
  let sum = 0;
  const last = sizes.findIndex((size) => (sum += size) >= characters);
  return last === -1 ? sizes.length : last + 1;
}

function measureGroup({ messages }: TurnGroup<Turn<Parts>>): number {
  return messages.reduce((sum, message) => sum + measureTurn(message), 0);
}

/** The template adds some to each. */
const TURN_CHARACTERS = 16;
/** Of about a thousand tokens: an image or a file, whose data says nothing of what is read of it. */
const MEDIA_CHARACTERS = 4096;

function measureTurn({ content, toolCalls = [] }: Turn<Parts>): number {
  const parts = typeof content === "string" ? [{ text: content }] : content;
  const said = parts.reduce(
    (sum, { text }) => sum + (typeof text === "string" ? text.length : MEDIA_CHARACTERS),
    TURN_CHARACTERS,
  );
  return toolCalls.reduce((sum, call) => sum + call.name.length + call.arguments.length, said);
}
