/**
 * How speech without a pause goes on in another part, where text was sent of what lies beyond this one: the next part
 * begins a few words before the end of that text and, because the model is given these words, says none of them twice.
 */

import { NO_PREFIX } from "./decode-window.ts";
import type { TextPrefix } from "./decode-window.ts";
import type { WhisperConfig } from "./whisper-config.ts";
import type { WhisperText } from "./whisper-text.ts";
import { timeWords } from "./word-times.ts";
import type { AlignedText } from "./word-times.ts";

export interface SentPart {
  /** Text of the part that was sent; the aligned text begins with it. */
  readonly sent: TextPrefix;
  /** Samples of the part that was cut. */
  readonly partSamples: number;
  readonly tokens: WhisperConfig["tokens"];
  readonly text: WhisperText;
}

export interface CarriedText {
  /** Where the next part begins, from the start of this one. */
  readonly fromSample: number;
  /** Tokens of this part's text that it does not begin with. */
  readonly passedTokens: number;
  /** What it begins with. */
  readonly sent: TextPrefix;
}

/** Words that the model hears again. */
const CARRIED_WORDS = 3;

/** @returns null where all of the text lies in the part */
export function carrySentText(aligned: AlignedText, { sent, partSamples, tokens, text }: SentPart): CarriedText | null {
  const words = timeWords(aligned, tokens, text).filter(({ tokenIndex }) => tokenIndex < sent.tokens.length);
  const endSample = words.at(-1)?.endSample ?? 0;
  if (endSample <= partSamples) return null;
  // Times may be off, and the next part has to begin later than this one.
  const first = words.slice(-CARRIED_WORDS).find(({ startSample }) => startSample >= partSamples / 2);
  if (first === undefined) return { fromSample: endSample, passedTokens: sent.tokens.length, sent: NO_PREFIX };
  const indices = sent.tokens.flatMap((token, index) =>
    index >= first.tokenIndex && token < tokens.endOfText ? [index] : [],
  );
  return {
    fromSample: first.startSample,
    passedTokens: first.tokenIndex,
    sent: {
      tokens: [tokens.firstTimestamp, ...indices.map((index) => sent.tokens[index] ?? 0)],
      logprobs: [0, ...indices.map((index) => sent.logprobs[index] ?? 0)],
    },
  };
}
