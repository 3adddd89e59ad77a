/** An answer as it leaves an engine: cut before a stop string, and with the tokens that its text was made of. */

import type { TokenLogprob } from "@openai-compat/core";
import { createStopFilter } from "./stop-filter.ts";

export interface AnswerDelta {
  readonly text: string;
  readonly logprobs?: readonly TokenLogprob[];
}

export interface AnswerText {
  /**
   * Takes the text that a token has added, which is empty while a character is not complete.
   *
   * @param logprob of that token; null when none are asked for.
   * @returns what may leave now; null for nothing.
   */
  push(text: string, logprob: TokenLogprob | null): AnswerDelta | null;
  /** What was held back; call once, at the end. */
  end(): AnswerDelta | null;
  /** True once a stop string has appeared. */
  readonly stopped: boolean;
}

/** Tokens that make whole characters together, and where in the answer their text is. */
interface Piece {
  readonly tokens: TokenLogprob[];
  readonly start: number;
  end: number;
}

/**
 * A token leaves with the first of its text, so that one which a stop string cuts in the middle is told too.
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
