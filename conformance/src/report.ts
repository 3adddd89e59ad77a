/**
 * The report of a run: what reporters get, already redacted, and the JSON that other tools read. The JSON's shape is
 * published as `report.schema.json`; it grows, but nothing in it changes its meaning within one `schema_version`.
 */

import { z } from "zod";
import type { Area, Check, Level, Tier } from "./check.ts";
import { encodeReplay } from "./encode-curl.ts";
import { encodeSnippet } from "./encode-snippet.ts";
import { type Evidence, encodeEvidence, evidenceSchema } from "./evidence.ts";
import type { Decision, Verdict } from "./exit-code.ts";
import { BASELINE_PROBLEMS, type Expectation, EXPECTATION_STATES } from "./expectation.ts";
import type { BaselineReport, BaselineStanding } from "./gate.ts";
import { type CheckResult, type Outcome, OUTCOMES } from "./outcome.ts";
import type { Observer } from "./outcome-signals.ts";
import type { Redact } from "./redact.ts";
import type { SuiteIdentity } from "./suite-identity.ts";
import { MODEL_ROLES, type Target } from "./target.ts";
import { encodeTrace, type Trace, traceSchema } from "./trace.ts";

/** One check of a report; every text in it is redacted. */
export interface ReportedCheck {
  readonly id: string;
  readonly area: Area;
  readonly level: Level;
  readonly tier: Tier;
  readonly requirement: string;
  readonly reference: string;
  readonly breaks: string;
  readonly outcome: Outcome;
  /** Empty for a pass. */
  readonly reason: string;
  readonly observer: Observer | null;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly durationMs: number;
  /** A command that repeats the request behind the outcome; null when none was sent. */
  readonly curl: string | null;
  /** A program that does the same through the official SDK; null where that can't. */
  readonly snippet: string | null;
  /** What crossed the wire; null where there is nothing to look at. */
  readonly trace: Trace | null;
  /** What the answer to that command shows; null where nothing was objected to, or it holds what was redacted. */
  readonly evidence: Evidence | null;
  /** How many of its tries failed; null when it was tried once. */
  readonly tries: CheckResult["tries"];
  /** The checks that judge the precondition for which it is inconclusive; empty where there is none. */
  readonly owners: readonly string[];
  /** Whether each of them passed: nobody says why it could not be judged. */
  readonly isOrphan: boolean;
  /** False for a check that is newer than the run's profile: the verdict is not about it. */
  readonly isScored: boolean;
  /** What the baseline expects of it; null for a check that it does not name, and without a baseline. */
  readonly expectation: Expectation | null;
}

export type Counts = Readonly<Record<Outcome, number>>;

export interface AreaReport {
  readonly area: Area;
  readonly verdict: Verdict;
  readonly baselineStanding: BaselineStanding;
  readonly counts: Counts;
  /** So many of its checks failed as the baseline expects. */
  readonly expected: number;
}

/** interrupted: the run was stopped before every check had ended. unidentified: no check was tried. */
export type RunEnding = "complete" | "interrupted" | "unidentified";

export interface RunReport extends Decision {
  readonly ending: RunEnding;
  readonly baselineStanding: BaselineStanding;
  /** False where failures do not change the exit code: `--report-only`. */
  readonly gate: boolean;
  /** Null where there is none. */
  readonly baseline: BaselineReport | null;
  readonly suite: SuiteIdentity;
  readonly target: ReportedTarget;
  readonly counts: Counts;
  /** In the order of the checks. */
  readonly areas: readonly AreaReport[];
  /** In the plan's order; as many as were planned. */
  readonly checks: readonly ReportedCheck[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
}

export interface ReportedTarget {
  readonly baseUrl: string;
  readonly models: Target["models"];
}

export interface DescribeOptions {
  readonly redact: Redact;
  readonly target: Target;
  /** What the baseline expects of it. */
  readonly expectation: Expectation | null;
  /** Default true. */
  readonly isScored?: boolean;
}

export function describeResult(
  result: CheckResult,
  { redact, target, expectation, isScored = true }: DescribeOptions,
): ReportedCheck {
  const { id, area, level, tier, requirement, reference, breaks } = result.check satisfies Check;
  const { outcome, observer, durationMs, tries, owners, isOrphan } = result;
  const shown = outcome === "pass" ? null : result.evidence;
  const redactOrNull = (text: string | null): string | null => (text === null ? null : redact(text));
  return {
    id,
    area,
    level,
    tier,
    requirement,
    reference,
    breaks,
    outcome,
    observer,
    durationMs,
    tries,
    owners,
    isOrphan,
    isScored,
    expectation: expectation === null ? null : redactExpectation(expectation, redact),
    reason: redact(result.reason),
    expected: redactOrNull(result.expected),
    actual: redactOrNull(result.actual),
    curl: shown === null ? null : redact(encodeReplay(shown, target.keys)),
    snippet: shown === null ? null : redactOrNull(encodeSnippet(shown, target)),
    trace: encodeTrace(result, redact, target.keys),
    evidence: describeEvidence(result, redact),
  };
}

function redactExpectation(expectation: Expectation, redact: Redact): Expectation {
  const { reason, issue } = expectation;
  return { ...expectation, reason: redact(reason), issue: issue === null ? null : redact(issue) };
}

function describeEvidence({ expected, actual, evidence: exchange }: CheckResult, redact: Redact): Evidence | null {
  if (expected === null || actual === null || exchange === null) return null;
  const evidence = encodeEvidence({ expected, actual }, exchange);
  const text = JSON.stringify(evidence);
  return redact(text) === text ? evidence : null;
}

const NO_COUNTS: Counts = {
  pass: 0,
  warn: 0,
  fail: 0,
  unsupported: 0,
  "not-testable": 0,
  inconclusive: 0,
  "harness-error": 0,
  disabled: 0,
};

export function countOutcomes(checks: readonly { readonly outcome: Outcome }[]): Counts {
  const counts = { ...NO_COUNTS };
  for (const { outcome } of checks) counts[outcome] += 1;
  return counts;
}

/** `11 pass, 2 fail; 1 of them as expected`, in the order of `OUTCOMES`. @param expected so many failed as the baseline expects */
export function renderCounts(counts: Counts, expected = 0): string {
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  const known = expected === 0 ? "" : `; ${expected} of them as expected`;
  return parts.length === 0 ? "none" : parts.join(", ") + known;
}

const flakySchema = z
  .strictObject({ failed: z.int().positive(), of: z.int().positive() })
  .nullable()
  .describe("So many of so many tries may fail; null for a check that is expected to fail each time.");

const expectationSchema = z.strictObject({
  state: z
    .enum(EXPECTATION_STATES)
    .describe(
      "expected: it failed, as the entry says. unconfirmed: no verdict, or flaky and passed. The others: the entry is wrong.",
    ),
  reason: z.string().describe("As the baseline says it."),
  issue: z.string().nullable(),
  expires: z.string().nullable().describe("YYYY-MM-DD, the last day of the entry in UTC."),
  flaky: flakySchema,
});

const baselineSchema = z.strictObject({
  file: z.string().nullable(),
  expected: z.int().nonnegative().describe("So many checks failed as the baseline expects."),
  problems: z
    .array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(BASELINE_PROBLEMS),
        line: z.int().nullable().describe("Of the entry in the file."),
        message: z.string().describe("What is wrong, and what to do."),
      }),
    )
    .describe("Entries that are wrong: with one, the exit code is not 0 where `gate` is true."),
  update: z
    .strictObject({ written: z.array(z.string()), removed: z.array(z.string()) })
    .nullable()
    .describe("Ids of the entries that --update-baseline wrote and dropped; null when the file was not changed."),
});

export const jsonReportSchema = z.strictObject({
  schema_version: z.literal(1),
  suite: z.strictObject({
    version: z.string(),
    profile: z.string(),
    sdk_version: z.string(),
    spec_sha256: z.string().nullable().describe("Of openapi.json; null where the document is not installed."),
  }),
  target: z.strictObject({
    base_url: z.string(),
    models: z.partialRecord(z.enum(MODEL_ROLES), z.string()),
  }),
  verdict: z
    .enum(["conformant", "non-conformant", "unproved", "harness-error"])
    .describe("What the target is, whatever a baseline expects."),
  exit_code: z.int(),
  gate: z
    .boolean()
    .optional()
    .describe("False with --report-only: then failures do not change the exit code, and 0 says nothing about them."),
  baseline: baselineSchema.nullable().optional().describe("Null for a run without one."),
  explanation: z.string().optional().describe("The verdict in a sentence. This and other optional fields are new."),
  ending: z
    .enum(["complete", "interrupted", "unidentified"])
    .optional()
    .describe("interrupted: stopped before every check had ended. unidentified: no check was tried."),
  started_at: z.string().optional().describe("ISO 8601."),
  duration_ms: z.number().nonnegative().optional(),
  counts: z.record(z.enum(OUTCOMES), z.int().nonnegative()),
  orphans: z
    .array(z.string())
    .describe("Inconclusive checks whose owners all passed: nobody says why, so that the run proves nothing."),
  checks: z.array(
    z.strictObject({
      id: z.string(),
      area: z.string(),
      level: z.enum(["must", "should", "may"]),
      tier: z.enum(["protocol", "forced", "model"]),
      outcome: z.enum(OUTCOMES),
      reason: z.string().describe("Empty for a pass."),
      observer: z.enum(["sdk", "schema", "wire"]).nullable(),
      duration_ms: z.number().nonnegative(),
      requirement: z.string().describe("What the server has to do."),
      reference: z.string().describe("Where the rule comes from."),
      breaks: z.string().describe("Which client breaks, and how."),
      expected: z.string().nullable(),
      got: z.string().nullable(),
      curl: z
        .string()
        .nullable()
        .describe("Repeats the request behind the outcome; null for a pass, and when none was sent."),
      snippet: z
        .string()
        .nullable()
        .optional()
        .describe("Sends that request through the official SDK; null where the SDK can't."),
      trace: traceSchema
        .nullable()
        .optional()
        .describe("What crossed the wire, redacted and cut; null for a pass and for what was not run."),
      evidence: evidenceSchema
        .nullable()
        .describe("What the answer to `curl` shows again; null where nothing was objected to, or it held a secret."),
      tries: z
        .strictObject({ failed: z.int().nonnegative(), of: z.int().positive() })
        .nullable()
        .describe("How many of its tries failed; null when it was tried once. Flaky where failed is less than of."),
      owners: z
        .array(z.string())
        .describe("The checks that judge the precondition for which it is inconclusive; empty where there is none."),
      is_orphan: z.boolean().describe("Whether each of those passed."),
      scored: z
        .boolean()
        .optional()
        .describe("False for a check that is newer than the profile: the verdict is not about it."),
      baseline: expectationSchema.nullable().optional().describe("What the baseline expects; null for nothing."),
    }),
  ),
});

export type JsonReport = z.infer<typeof jsonReportSchema>;

export function encodeJsonReport(report: RunReport): JsonReport {
  const { suite, target, verdict, exitCode, gate, explanation, ending, startedAt, durationMs, counts, checks } = report;
  return {
    schema_version: 1,
    suite: {
      version: suite.version,
      profile: suite.profile,
      sdk_version: suite.sdkVersion,
      spec_sha256: suite.specSha256,
    },
    target: { base_url: target.baseUrl, models: { ...target.models } },
    verdict,
    exit_code: exitCode,
    gate,
    baseline: encodeBaseline(report.baseline),
    explanation,
    ending,
    started_at: startedAt,
    duration_ms: roundMs(durationMs),
    counts: { ...counts },
    orphans: checks.flatMap(({ id, isOrphan }) => (isOrphan ? [id] : [])),
    checks: checks.map(({ durationMs: checkMs, actual, isOrphan, isScored, owners, expectation, ...check }) => ({
      ...check,
      owners: [...owners],
      is_orphan: isOrphan,
      scored: isScored,
      baseline: expectation,
      got: actual,
      duration_ms: roundMs(checkMs),
    })),
  };
}

function encodeBaseline(baseline: BaselineReport | null): JsonReport["baseline"] {
  if (baseline === null) return null;
  const { file, expected, problems, update } = baseline;
  return {
    file,
    expected,
    problems: [...problems],
    update: update === null ? null : { written: [...update.written], removed: [...update.removed] },
  };
}

function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
