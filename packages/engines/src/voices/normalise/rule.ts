/** What is read differently from how it is written: a pattern, and how that is said. */

export interface Rule {
  readonly pattern: RegExp;
  /** @param found what the pattern found, then its groups; a group that took no part is empty */
  readonly say: (found: readonly string[]) => string;
}

export function rule(pattern: string, say: Rule["say"]): Rule {
  return { pattern: new RegExp(pattern, "gu"), say };
}
