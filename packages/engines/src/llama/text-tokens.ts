/** Turns a plain text or a caller's token ids into a prompt, unchanged, control tokens included. */

import { AiError } from "@openai-compat/core";
import type { PlainText, TextTokens, WorkSlices } from "@openai-compat/core";

/** The part of a model that plain texts need. */
export interface TextTokenizer {
  /** The text of a control token becomes that token. */
  readonly tokenize: (text: string, slices: WorkSlices) => Promise<readonly number[]>;
  readonly detokenize: (tokens: readonly number[]) => string;
  readonly isToken: (id: number) => boolean;
  /** The model's first token of every text, if any. */
  readonly prefixToken: number | null;
  /** The token of an empty text where there is no `prefixToken`. */
  readonly documentToken: number | null;
  /** Fill-in-the-middle tokens; null for a model that was not trained to fill gaps. */
  readonly infill: InfillTokens | null;
}

export interface InfillTokens {
  readonly prefix: number;
  readonly suffix: number;
  readonly middle: number;
}

/**
 * A gap is encoded as prefix, suffix, then the token for the middle: the most common training order, and llama.cpp's.
 *
 * @throws AiError `invalid_value` for a token that the model doesn't have and for an empty text that it can't begin,
 *   `unsupported_parameter` for a suffix; what `slices` throws
 */
export async function tokenizeText(
  { text, suffix }: PlainText,
  tokenizer: TextTokenizer,
  slices: WorkSlices,
): Promise<TextTokens> {
  const { prefixToken, documentToken, infill } = tokenizer;
  const own = typeof text === "string" ? await tokenizer.tokenize(text, slices) : checkTokens(text, tokenizer);
  const plainText = typeof text === "string" ? text : tokenizer.detokenize(text);
  if (suffix !== null && infill === null) throw refuseSuffix();
  const before = infill !== null && suffix !== null ? [infill.prefix] : [];
  const after =
    infill !== null && suffix !== null
      ? [infill.suffix, ...(await tokenizer.tokenize(suffix, slices)), infill.middle]
      : [];
  const begins = prefixToken !== null && own[0] !== prefixToken && typeof text === "string" ? [prefixToken] : [];
  const isEmpty = begins.length + before.length + own.length === 0;
  const start = isEmpty && documentToken !== null ? [documentToken] : [...begins, ...before];
  const tokens = [...start, ...own, ...after];
  if (tokens.length === 0) throw refuseEmpty();
  return { tokens, text: plainText, textStart: start.length, textEnd: start.length + own.length };
}

function checkTokens(tokens: readonly number[], { isToken }: TextTokenizer): readonly number[] {
  const strange = tokens.find((token) => !isToken(token));
  if (strange === undefined) return tokens;
  const message = `Invalid 'prompt': the model has no token ${strange}.`;
  throw new AiError("invalid_value", message, { param: "prompt" });
}

function refuseSuffix(): AiError {
  const message = "Unsupported parameter: 'suffix' is not supported by this model: it was not trained to fill gaps.";
  return new AiError("unsupported_parameter", message, { param: "suffix" });
}

function refuseEmpty(): AiError {
  return new AiError("invalid_value", "Invalid 'prompt': this model can't begin with an empty text.", {
    param: "prompt",
  });
}
