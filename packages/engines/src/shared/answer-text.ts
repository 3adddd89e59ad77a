/** The text of an answer: cut before a stop string, and reported with its tokens. */

import type { TokenLogprob } from "@openai-compat/core";
import { createStopFilter } from "./stop-filter.ts";

export interface AnswerDelta {
  readonly text: string;
  readonly logprobs?: readonly TokenLogprob[];
}

export interface AnswerText {
  /**
   * Adds the text of a token, which is empty while a character is not complete.
   *
   * @param logprob of that token; null when none are requested. @returns what can be emitted now; null for nothing.
   */
  push(text: string, logprob: TokenLogprob | null): AnswerDelta | null;
  /** What was held back; call once, at the end. */
  end(): AnswerDelta | null;
  /** True once a stop string has appeared. */
  readonly stopped: boolean;
}

/** Tokens that form whole characters together, and the position of their text in the answer. */
interface Piece {
  readonly tokens: TokenLogprob[];
  readonly start: number;
  end: number;
}

/**
 * A token is emitted with the beginning of its text, so a token that a stop string cuts is reported too.
 */
export function createAnswerText(stops: readonly string[]): AnswerText {
  const filter = createStopFilter(stops);
  const pieces: Piece[] = [];
  let received = 0;
  let released = 0;

  function remember(text: string, logprob: TokenLogprob): void {
    const last = pieces.at(-1);
    if (last !== undefined && last.end === last.start) {
      last.tokens.push(logprob);
      last.end += text.length;
    } else pieces.push({ tokens: [logprob], start: received, end: received + text.length });
  }

  function release(text: string): AnswerDelta | null {
    released += text.length;
    if (text === "") return null;
    const kept = pieces.findIndex(({ start }) => start >= released);
    const logprobs = pieces.splice(0, kept === -1 ? pieces.length : kept).flatMap(({ tokens }) => tokens);
    return logprobs.length === 0 ? { text } : { text, logprobs };
  }

  return {
    push(text, logprob) {
      if (logprob !== null) remember(text, logprob);
      received += text.length;
      return release(filter.push(text));
    },
    end: () => release(filter.end()),
    get stopped() {
      return filter.stopped;
    },
  };
}
