/** What several reporters say in the same words, and how they group failures. Knows no output format. */

import type { Verdict } from "../exit-code.ts";
import type { ReportedCheck } from "../report.ts";

export const VERDICT_TEXTS: Readonly<Record<Verdict, string>> = {
  conformant: "conformant",
  "non-conformant": "not conformant",
  unproved: "not proved",
  "harness-error": "harness error",
};

export const VERDICT_MARKS: Readonly<Record<Verdict, string>> = {
  conformant: "✓",
  "non-conformant": "✗",
  unproved: "?",
  "harness-error": "!",
};

/** Failed checks that show the same: one at least. */
export type CauseGroup = readonly [ReportedCheck, ...ReportedCheck[]];

/** What was expected and what came instead are one cause, however many operations show it. */
export function groupByCause(checks: readonly ReportedCheck[]): readonly CauseGroup[] {
  const groups = new Map<string, [ReportedCheck, ...ReportedCheck[]]>();
  for (const check of checks) {
    const { outcome, observer, expected, actual, reason } = check;
    const cause = JSON.stringify([outcome, observer, expected, actual ?? reason]);
    const group = groups.get(cause);
    if (group === undefined) groups.set(cause, [check]);
    else group.push(check);
  }
  return [...groups.values()];
}

/** Failed musts, then failed shoulds and mays. */
export function selectFailures(checks: readonly ReportedCheck[]): readonly ReportedCheck[] {
  return [...checks.filter(({ outcome }) => outcome === "fail"), ...checks.filter(({ outcome }) => outcome === "warn")];
}

/** `2 of 3 tries failed`; null where a check failed each time, or was tried once. */
export function describeFlakiness({ tries }: ReportedCheck): string | null {
  return tries !== null && tries.failed < tries.of ? `${tries.failed} of ${tries.of} tries failed` : null;
}

/** Control characters, line separators, and what changes the direction of the text around it. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** What a target sent must not drive a terminal or a page: such characters are shown as JSON writes them, on one line. */
export function makePrintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? JSON.stringify(character).slice(1, -1) : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
