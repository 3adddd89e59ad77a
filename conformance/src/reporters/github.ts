/**
 * Writes for a job of GitHub Actions: annotations on its log, and the Markdown report to the job's summary. While the run
 * goes, workflow commands are off, so that no text of a target that is printed can be one.
 * https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */

import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import type { ReportedCheck, RunReport } from "../report.ts";
import { encodeMarkdown } from "./markdown.ts";
import {
  type CauseGroup,
  describeExpected,
  groupByCause,
  makePrintable,
  resolveStanding,
  selectFailures,
  VERDICT_TEXTS,
} from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

/** GitHub shows so many annotations of a kind for one step, and drops the rest. */
const ANNOTATIONS_MAX = 10;
/** Characters of one annotation's message. */
const MESSAGE_LENGTH_MAX = 4000;
/** GitHub takes 1 MiB of summary for a step, and drops all of a longer one. */
const SUMMARY_BYTES_MAX = 1024 * 1024;

export interface GithubOptions {
  /** File of the job's summary: `GITHUB_STEP_SUMMARY`. Null for none. */
  readonly summaryFile: string | null;
  /** Makes the word that turns commands on again. Default: random, as nobody may guess it. */
  readonly createToken?: () => string;
}

/** It has to get the first event before, and the last one after all reporters that write to the same output. */
export function createGithubReporter(output: Output, options: GithubOptions): Reporter {
  const token = (options.createToken ?? randomUUID)();
  return {
    handle(event) {
      if (event.type === "run-start") output.write(`::stop-commands::${token}\n`);
      if (event.type !== "run-end") return;
      output.write(`::${token}::\n${encodeAnnotations(event.report)}`);
      if (options.summaryFile !== null) appendSummary(options.summaryFile, event.report);
    },
  };
}

/** @throws Error when the file can't be written */
function appendSummary(file: string, report: RunReport): void {
  appendFileSync(file, `${encodeMarkdown(report, { bytesMax: SUMMARY_BYTES_MAX / 2 })}\n`);
}

export function encodeAnnotations(report: RunReport): string {
  const groups = groupByCause(selectFailures(report.checks));
  const errors = groups.filter(([{ outcome }]) => outcome === "fail");
  const warnings = groups.filter(([{ outcome }]) => outcome === "warn");
  const problems = encodeProblems(report.baseline);
  const all = [...problems, ...errors.map((group) => encodeGroup("error", group))];
  const shownErrors = all.slice(0, ANNOTATIONS_MAX - 1);
  const verdict = encodeVerdict(report, all.length - shownErrors.length);
  return [
    verdict,
    ...shownErrors,
    ...warnings.slice(0, ANNOTATIONS_MAX).map((group) => encodeGroup("warning", group)),
    ...encodeExpected(report.checks),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

/** Wrong entries, each at its line of the file. */
function encodeProblems(baseline: RunReport["baseline"]): string[] {
  const { file, problems } = baseline ?? { file: null, problems: [] };
  return problems.map(({ id, line, message }) => {
    const place = file === null || line === null ? {} : { file, line };
    return encodeCommand("error", `Baseline: ${id}`, { message: makePrintable(message), ...place });
  });
}

/** One notice: a baseline may expect hundreds. */
function encodeExpected(checks: readonly ReportedCheck[]): string[] {
  const lines = checks.flatMap((check) => {
    const expected = describeExpected(check);
    return expected === null ? [] : [`${check.id} (${check.level}): ${makePrintable(expected)}`];
  });
  return lines.length === 0
    ? []
    : [encodeCommand("notice", `${lines.length} failed as the baseline expects`, lines.join("\n"))];
}

function encodeVerdict(report: RunReport, leftOut: number): string {
  const { explanation, exitCode } = report;
  const more = leftOut === 0 ? "" : ` ${leftOut} more causes are in the report.`;
  const title = `Conformance: ${VERDICT_TEXTS[resolveStanding(report)]}`;
  return encodeCommand(exitCode === 0 ? "notice" : "error", title, `${makePrintable(explanation)}${more}`);
}

function encodeGroup(command: "error" | "warning", [check, ...others]: CauseGroup): string {
  const rows = [
    check.requirement,
    `expected: ${makePrintable(check.expected ?? "-")}`,
    `got: ${makePrintable(check.actual ?? check.reason)}`,
    `reference: ${check.reference}`,
    ...(others.length === 0 ? [] : [`same in ${others.length} more: ${others.map(({ id }) => id).join(", ")}`]),
    `reproduce: ${makePrintable(check.curl ?? "-")}`,
  ];
  return encodeCommand(command, `${check.id} (${check.level})`, rows.join("\n"));
}

interface Annotation {
  readonly message: string;
  /** From the root of the repository. */
  readonly file?: string;
  readonly line?: number;
}

function encodeCommand(command: "error" | "warning" | "notice", title: string, given: Annotation | string): string {
  const { message, ...place } = typeof given === "string" ? { message: given } : given;
  const cut = message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX)}…` : message;
  const properties = Object.entries({ title, ...place }).map(
    ([name, value]) => `${name}=${escapeProperty(String(value))}`,
  );
  return `::${command} ${properties.join(",")}::${escapeData(cut)}`;
}

/** As `@actions/core` does it. */
function escapeData(text: string): string {
  return text.toWellFormed().replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
