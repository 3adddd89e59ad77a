/**
 * Two reports, check by check: what got worse, what got better, what is new and what is gone. They may be of one target at
 * two times or of two targets. It judges nothing again.
 */

import { EXIT_CODES, type FailOn } from "./exit-code.ts";
import { isFailure } from "./expectation.ts";
import type { Outcome } from "./outcome.ts";
import type { ReadCheck, ReadReport } from "./read-report.ts";
import { makePrintable, VERDICT_TEXTS } from "./reporters/report-texts.ts";

/**
 * - worse: it passed, or failed at times only, and now fails.
 * - failing: it fails now, and had no verdict before.
 * - lost: it had a verdict, and has none now.
 * - better: it failed, and now passes or fails at times only.
 * - judged: it had no verdict, and passes now.
 */
export type Change = "worse" | "failing" | "lost" | "better" | "judged";

export interface ChangedCheck {
  readonly before: ReadCheck;
  readonly after: ReadCheck;
}

export interface Comparison {
  readonly changes: Readonly<Record<Change, readonly ChangedCheck[]>>;
  /** Ids of checks that are in the second report alone. */
  readonly added: readonly ReadCheck[];
  /** Ids of checks that are in the first report alone. */
  readonly gone: readonly ReadCheck[];
  /** So many ended in the same way. */
  readonly same: number;
}

export function compareReports(before: ReadReport, after: ReadReport): Comparison {
  const changes: Record<Change, ChangedCheck[]> = { worse: [], failing: [], lost: [], better: [], judged: [] };
  let same = 0;
  for (const [id, now] of after.checks) {
    const then = before.checks.get(id);
    if (then === undefined) continue;
    const change = classifyChange(then.outcome, now.outcome);
    if (change === null) same += 1;
    else changes[change].push({ before: then, after: now });
  }
  return {
    changes,
    added: [...after.checks.values()].filter(({ id }) => !before.checks.has(id)),
    gone: [...before.checks.values()].filter(({ id }) => !after.checks.has(id)),
    same,
  };
}

/** A must that warns is one that failed at times; a should warns where it is not met. */
const RANKS: Readonly<Partial<Record<Outcome, number>>> = { pass: 2, warn: 1, fail: 0 };

/** @returns null where nothing changed that anybody judged */
export function classifyChange(before: Outcome, after: Outcome): Change | null {
  const [from, to] = [RANKS[before], RANKS[after]];
  if (from === undefined && to === undefined) return null;
  if (from === undefined) return isFailure(after) ? "failing" : "judged";
  if (to === undefined) return "lost";
  if (from === to) return null;
  return to < from ? "worse" : "better";
}

/** Nothing that the first report judged is judged in the second. */
function isUnproved({ changes, same }: Comparison, after: ReadReport): boolean {
  const judged = [...after.checks.values()].filter(({ outcome }) => RANKS[outcome] !== undefined).length;
  return judged === 0 || (same === 0 && Object.values(changes).every((checks) => checks.length === 0));
}

/** Whether a change is one from passing to failing, as `--fail-on` counts failures. */
function isRegression({ after }: ChangedCheck, failOn: FailOn): boolean {
  return after.outcome === "fail" || (failOn === "should" && after.level === "should");
}

export interface ComparisonResult {
  readonly text: string;
  /** 1: something that passed fails. 3: nothing could be compared. Else 0. */
  readonly exitCode: number;
}

export function renderComparison(before: ReadReport, after: ReadReport, failOn: FailOn): ComparisonResult {
  const comparison = compareReports(before, after);
  const { changes, added, gone, same } = comparison;
  const regressions = changes.worse.filter((change) => isRegression(change, failOn)).length;
  const sections = [
    [`A: ${describeReport(before)}`, `B: ${describeReport(after)}`, ...listCautions(before, after)].join("\n"),
    renderChanges("✗ worse", changes.worse),
    renderChanges("✗ fails, and had no verdict", changes.failing),
    renderChanges("? no verdict any more", changes.lost),
    renderChanges("✓ better", changes.better),
    renderChanges("✓ passes, and had no verdict", changes.judged),
    renderIds("+ new, in B alone", added),
    renderIds("- gone, in A alone", gone),
    [`${same} the same.`, describeEnd({ regressions, comparison, before, after })].join("\n"),
  ];
  const unproved = isUnproved(comparison, after) ? EXIT_CODES.unproved : 0;
  return {
    text: `${sections.filter((section) => section !== "").join("\n\n")}\n`,
    exitCode: regressions > 0 ? EXIT_CODES["non-conformant"] : unproved,
  };
}

interface End {
  readonly regressions: number;
  readonly comparison: Comparison;
  readonly before: ReadReport;
  readonly after: ReadReport;
}

function describeEnd({ regressions, comparison, before, after }: End): string {
  if (regressions > 0) {
    return `✗ ${count(regressions)} that did not fail in A ${regressions === 1 ? "fails" : "fail"} in B (exit 1)`;
  }
  if (isUnproved(comparison, after)) {
    const shared = [...after.checks.keys()].some((id) => before.checks.has(id));
    const why = shared ? "B judged nothing that A has" : "A and B have no check in common";
    return `? nothing to compare: ${why} (exit 3)`;
  }
  const { lost, worse } = comparison.changes;
  const also = [
    ...(worse.length === 0 ? [] : [`${count(worse.length)} worse that --fail-on must does not count`]),
    ...(lost.length === 0 ? [] : [`${count(lost.length)} without a verdict any more`]),
  ];
  return `✓ ${["nothing that passed in A fails in B", ...also].join("; ")} (exit 0)`;
}

function describeReport({ file, baseUrl, models, suite, checks, verdict, ending }: ReadReport): string {
  const model = models.chat === undefined ? "" : `, chat model ${models.chat}`;
  const left = ending === "complete" ? "" : `, ${ending}`;
  return cutText(
    makePrintable(
      `${file}: ${baseUrl}${model}, ${count(checks.size)}, ${VERDICT_TEXTS[verdict]}${left} · suite ${suite.version}, ${suite.profile}, openai ${suite.sdk_version}`,
    ),
  );
}

/** What makes a difference say less about the targets. */
function listCautions({ suite: a, ending: endA }: ReadReport, { suite: b, ending: endB }: ReadReport): string[] {
  const cautions: (readonly [boolean, string])[] = [
    [
      a.version !== b.version || a.spec_sha256 !== b.spec_sha256,
      "The suites differ: a check may judge otherwise than it did, and what is new or gone may be of the suite.",
    ],
    [a.sdk_version !== b.sdk_version, "The official SDKs differ: what it returns or throws may be its own change."],
    [a.profile !== b.profile, "The profiles differ: checks of one alone are listed as new or gone."],
    [endA !== "complete" || endB !== "complete", "A run did not end: its other checks have no verdict."],
  ];
  return cautions.flatMap(([applies, text]) => (applies ? [`! ${text}`] : []));
}

/** Of one kind; there may be thousands, where a server is down. */
const SHOWN_MAX = 50;

function renderChanges(title: string, changed: readonly ChangedCheck[]): string {
  if (changed.length === 0) return "";
  const lines = changed.slice(0, SHOWN_MAX).map(({ before, after }) => {
    const reason = after.reason === "" ? before.reason : after.reason;
    const why = reason === "" ? "" : `: ${reason}`;
    return `    ${cutText(makePrintable(`${after.id} (${after.level})  ${before.outcome} → ${after.outcome}${why}`))}`;
  });
  return [`${title} (${changed.length})`, ...lines, ...describeMore(changed.length)].join("\n");
}

function renderIds(title: string, checks: readonly ReadCheck[]): string {
  if (checks.length === 0) return "";
  const lines = checks.slice(0, SHOWN_MAX).map(({ id, outcome }) => `    ${makePrintable(id)}  ${outcome}`);
  return [`${title} (${checks.length})`, ...lines, ...describeMore(checks.length)].join("\n");
}

function describeMore(amount: number): string[] {
  return amount > SHOWN_MAX ? [`    and ${amount - SHOWN_MAX} more`] : [];
}

const LINE_LENGTH_MAX = 300;

function cutText(text: string): string {
  return text.length > LINE_LENGTH_MAX ? `${text.slice(0, LINE_LENGTH_MAX)}…` : text;
}

function count(amount: number): string {
  return `${amount} check${amount === 1 ? "" : "s"}`;
}
