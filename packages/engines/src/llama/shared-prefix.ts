/**
 * How much of a prompt another account's prompt may have brought into memory: its system prompt, if that is the same
 * from the first token to the control token that ends it. A shorter part is never shared: whoever could learn how much of
 * a guess is in memory, from `cached_tokens` or from the time, could find another's text out token by token.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 */

import type { ChatTemplate } from "./chat-template.ts";

export interface SharedPrefixOptions {
  readonly template: Pick<ChatTemplate, "render">;
  /** The text of a template: control tokens are read as such. */
  readonly tokenize: (text: string) => readonly number[];
  readonly isControlToken: (token: number) => boolean;
  readonly prefixToken: number | null;
}

/** @returns the number of tokens; 0 for a prompt without a system prompt */
export type SharedPrefix = (tokens: readonly number[]) => number;

const NOTHING: SharedPrefix = () => 0;
/** Private-use characters: no template has them. */
const [SYSTEM_MARK, USER_MARK] = ["\uE000", "\uE001"];

/** Of a model whose template ends a system prompt with a control token; others share nothing. */
export function createSharedPrefix(options: SharedPrefixOptions): SharedPrefix {
  const { tokenize, isControlToken, prefixToken } = options;
  const rendered = renderMarked(options);
  if (rendered === null) return NOTHING;
  const head = [...tokenize(rendered.head)];
  if (prefixToken !== null && head[0] !== prefixToken) head.unshift(prefixToken);
  const between = tokenize(rendered.between);
  const [end] = between;
  if (end === undefined || !isControlToken(end)) return NOTHING;
  const ends = between.filter(isControlToken).length;
  return (tokens) => {
    if (head.some((token, index) => tokens[index] !== token)) return 0;
    let left = ends;
    for (const [index, token] of tokens.entries()) {
      if (index < head.length || !isControlToken(token)) continue;
      left -= 1;
      if (left === 0) return index + 1;
    }
    return 0;
  };
}

/** What the template writes before a system prompt, and between it and what the user says. */
function renderMarked({ template }: SharedPrefixOptions): { readonly head: string; readonly between: string } | null {
  try {
    const text = template.render([
      { role: "system", content: SYSTEM_MARK },
      { role: "user", content: USER_MARK },
    ]);
    const [head, rest, ...others] = text.split(SYSTEM_MARK);
    const between = rest?.split(USER_MARK)[0];
    if (head === undefined || between === undefined || rest === between || others.length > 0) return null;
    return { head, between };
  } catch {
    // A template that has no system prompts throws; its prompts are served all the same.
    return null;
  }
}
