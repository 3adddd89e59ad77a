/**
 * Writes the report as GitHub-flavoured Markdown, for a job's summary, an issue or a pull request. Whatever a target
 * chose is inside code, where it can be no link, image, mention or HTML.
 */

import type { ReportedCheck, RunReport } from "../report.ts";
import { renderCounts } from "../report.ts";
import {
  type CauseGroup,
  describeBaseline,
  describeExpected,
  describeFlakiness,
  groupByCause,
  makePrintable,
  resolveStanding,
  selectFailures,
  VERDICT_MARKS,
  VERDICT_TEXTS,
} from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

export interface MarkdownOptions {
  /** Failures that don't fit are counted and left out. Default: no limit. */
  readonly bytesMax?: number;
}

export function createMarkdownReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(encodeMarkdown(event.report));
    },
  };
}

export function encodeMarkdown(
  report: RunReport,
  { bytesMax = Number.POSITIVE_INFINITY }: MarkdownOptions = {},
): string {
  const groups = groupByCause(selectFailures(report.checks));
  const parts = [encodeHead(report), encodeAreas(report), encodeProblems(report)];
  let bytes = parts.reduce((total, part) => total + Buffer.byteLength(part), 0);
  let shown = 0;
  for (const group of groups) {
    const part = encodeFailure(group);
    bytes += Buffer.byteLength(part);
    if (bytes > bytesMax) break;
    parts.push(part);
    shown += 1;
  }
  if (shown < groups.length) parts.push(`${groups.length - shown} more causes are in the other reports.`);
  parts.push(encodeExpected(report.checks), encodeUnjudged(report.checks));
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function encodeHead(report: RunReport): string {
  const standing = resolveStanding(report);
  const { explanation, exitCode, gate, suite, target, checks, durationMs } = report;
  const reportOnly = gate ? "" : " With --report-only failures do not change it: this run is no gate.";
  const baseline = describeBaseline(report);
  const model = target.models.chat === undefined ? "" : `, chat model ${encodeCode(target.models.chat)}`;
  return [
    `## ${VERDICT_MARKS[standing]} OpenAI API conformance: ${VERDICT_TEXTS[standing]}`,
    `${encodeCode(explanation)} Exit code ${exitCode}.${reportOnly}`,
    ...(baseline === null ? [] : [encodeCode(baseline)]),
    `Target ${encodeCode(target.baseUrl)}${model}. ${checks.length} checks in ${(durationMs / 1000).toFixed(1)} s, ` +
      `openai-conformance ${suite.version}, openai ${suite.sdkVersion}, profile ${suite.profile}.`,
  ].join("\n\n");
}

function encodeAreas({ areas }: RunReport): string {
  const rows = areas.map(
    (area) =>
      `| ${area.area} | ${VERDICT_MARKS[resolveStanding(area)]} ${VERDICT_TEXTS[resolveStanding(area)]} | ${renderCounts(area.counts, area.expected)} |`,
  );
  return ["| area | verdict | checks |", "| --- | --- | --- |", ...rows].join("\n");
}

function encodeFailure([check, ...others]: CauseGroup): string {
  const flakiness = describeFlakiness(check);
  const also = others.length === 0 ? "" : ` and ${others.length} more`;
  const rows = [
    `- level: **${check.level}**, observer: ${check.observer ?? "-"}${flakiness === null ? "" : `, flaky: ${flakiness}`}`,
    `- reference: ${encodeCode(check.reference)}`,
    `- breaks: ${encodeCode(check.breaks)}`,
    ...(others.length === 0 ? [] : [`- same in: ${others.map(({ id }) => encodeCode(id)).join(", ")}`]),
  ];
  return [
    `### ${check.outcome === "fail" ? "✗" : "!"} ${encodeCode(check.id)}${also}`,
    encodeCode(check.requirement),
    rows.join("\n"),
    encodeBlock(
      `expected  ${makePrintable(check.expected ?? "-")}\ngot       ${makePrintable(check.actual ?? check.reason)}`,
    ),
    ...(check.curl === null ? [] : [encodeBlock(makePrintable(check.curl), "sh")]),
  ].join("\n\n");
}

/** Entries of the baseline that are wrong. */
function encodeProblems({ baseline }: RunReport): string {
  const { file, problems } = baseline ?? { file: null, problems: [] };
  if (problems.length === 0) return "";
  const rows = problems.map(({ id, line, message }) => {
    const place = file === null || line === null ? "-" : encodeCell(`${file}:${line}`);
    return `| ${encodeCell(id)} | ${place} | ${encodeCell(message)} |`;
  });
  return ["### ✗ Baseline", ["| entry | line | what is wrong |", "| --- | --- | --- |", ...rows].join("\n")].join(
    "\n\n",
  );
}

function encodeExpected(checks: readonly ReportedCheck[]): string {
  const rows = checks.flatMap((check) => {
    const expected = describeExpected(check);
    return expected === null ? [] : [`| ${encodeCell(check.id)} | ${check.level} | ${encodeCell(cutText(expected))} |`];
  });
  if (rows.length === 0) return "";
  const more = rows.length > REASONS_MAX ? [`| ${rows.length - REASONS_MAX} more | | |`] : [];
  const table = ["| check | level | baseline |", "| --- | --- | --- |", ...rows.slice(0, REASONS_MAX), ...more];
  return ["### Failed as expected", table.join("\n")].join("\n\n");
}

/** How many checks got no verdict, by reason; the JSON report has all of them. */
function encodeUnjudged(checks: readonly ReportedCheck[]): string {
  const reasons = new Map<string, number>();
  for (const { outcome, reason } of checks) {
    if (outcome === "pass" || outcome === "fail" || outcome === "warn") continue;
    const key = `${outcome}: ${reason}`;
    reasons.set(key, (reasons.get(key) ?? 0) + 1);
  }
  if (reasons.size === 0) return "";
  const most = [...reasons].toSorted(([, one], [, other]) => other - one).slice(0, REASONS_MAX);
  const rows = most.map(([reason, count]) => `| ${count} | ${encodeCell(cutText(reason))} |`);
  const more = reasons.size > most.length ? [`| | ${reasons.size - most.length} more reasons |`] : [];
  return ["### No verdict", ["| checks | reason |", "| --: | --- |", ...rows, ...more].join("\n")].join("\n\n");
}

const REASONS_MAX = 20;
const REASON_LENGTH_MAX = 300;

function cutText(text: string): string {
  return text.length > REASON_LENGTH_MAX ? `${text.slice(0, REASON_LENGTH_MAX)}…` : text;
}

/** In a cell of a table a `|` needs a backslash, inside code as well (GFM 4.10). */
function encodeCell(text: string): string {
  return encodeCode(text).replaceAll("|", String.raw`\|`);
}

/** A code span (CommonMark 6.1) that no text can end. */
function encodeCode(text: string): string {
  const line = makePrintable(text).toWellFormed();
  if (line.trim() === "") return "-";
  const fence = "`".repeat(longestRun(line) + 1);
  // Without a space a backtick at the edge would belong to the fence.
  return `${fence} ${line} ${fence}`;
}

/** A fenced block (CommonMark 4.5) that no line of the text can end. */
function encodeBlock(text: string, language = "text"): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text.toWellFormed()}\n${fence}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}
