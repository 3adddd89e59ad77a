/**
 * The reference server's log probabilities: a token has one half, the next likely ones a quarter, an eighth and so on.
 */

/** One token of a chat answer, in the official format. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly Omit<TokenLogprob, "top_logprobs">[];
}

/** Those of a chat choice. */
export interface ChatLogprobs {
  readonly content: readonly TokenLogprob[];
  readonly refusal: null;
}

/** The four lists of a plain completion. */
export interface LegacyLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  readonly top_logprobs: readonly (Readonly<Record<string, number>> | null)[];
  readonly text_offset: readonly number[];
}

/** `alternatives`: how many likely tokens stand beside the token, itself among them. */
function composeTokenLogprob(token: string, alternatives: number): TokenLogprob {
  const likely = listLikely(token, alternatives).map(([other, logprob]) => ({
    token: other,
    logprob,
    bytes: [...Buffer.from(other)],
  }));
  return { token, logprob: logprobAt(0), bytes: [...Buffer.from(token)], top_logprobs: likely };
}

/** Null where none were asked for. */
export function composeChatLogprobs(tokens: readonly string[], alternatives: number | null): ChatLogprobs | null {
  if (alternatives === null) return null;
  return { content: tokens.map((token) => composeTokenLogprob(token, alternatives)), refusal: null };
}

export function composeLegacyLogprobs(tokens: readonly string[], alternatives: number): LegacyLogprobs {
  let end = 0;
  const offsets = tokens.map((token) => {
    end += token.length;
    return end - token.length;
  });
  return {
    tokens,
    token_logprobs: tokens.map(() => logprobAt(0)),
    top_logprobs: tokens.map((token) => Object.fromEntries(listLikely(token, alternatives))),
    text_offset: offsets,
  };
}

/** The likeliest first. */
function listLikely(token: string, length: number): readonly (readonly [string, number])[] {
  return Array.from({ length }, (_, rank) => [rank === 0 ? token : `${token}~${rank}`, logprobAt(rank)] as const);
}

function logprobAt(rank: number): number {
  return -(rank + 1) * Math.LN2;
}
