/**
 * Writes JUnit XML, as CI systems read it: a suite per area and a case per check. A fail is a `failure`, a harness
 * error an `error`, a warn passes with its reason in `system-out`, and what proved nothing is `skipped`, never silently
 * absent. So is what a baseline expects to fail; each wrong entry of a baseline is a failed case of its own suite.
 */

import type { Outcome } from "../outcome.ts";
import type { AreaReport, ReportedCheck, RunReport } from "../report.ts";
import { describeExpected, isExpected } from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

export function createJunitReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(encodeJunit(event.report));
    },
  };
}

export function encodeJunit(report: RunReport): string {
  const problems = report.baseline?.problems ?? [];
  const suites = [...report.areas.map((area) => encodeSuite(area, report.checks)), encodeProblems(problems)];
  const totals = encodeTotals(report.counts, report.checks, problems.length);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="openai-conformance" ${totals}>\n${suites.join("")}</testsuites>\n`;
}

function encodeSuite({ area, counts }: AreaReport, checks: readonly ReportedCheck[]): string {
  const own = checks.filter((check) => check.area === area);
  return `  <testsuite name="${escapeXml(area)}" ${encodeTotals(counts, own)}>\n${own.map(encodeCase).join("")}  </testsuite>\n`;
}

function encodeProblems(problems: NonNullable<RunReport["baseline"]>["problems"]): string {
  if (problems.length === 0) return "";
  const cases = problems.map(
    ({ id, kind, message }) =>
      `    <testcase classname="baseline" name="${escapeXml(id)}"><failure type="${kind}" message="${escapeXml(message)}"/></testcase>\n`,
  );
  const totals = `tests="${problems.length}" failures="${problems.length}" errors="0" skipped="0"`;
  return `  <testsuite name="baseline" ${totals}>\n${cases.join("")}  </testsuite>\n`;
}

/** @param problems so many wrong entries of a baseline are failed cases as well */
function encodeTotals(
  counts: Readonly<Record<Outcome, number>>,
  checks: readonly ReportedCheck[],
  problems = 0,
): string {
  const expected = checks.filter(isExpected);
  const failures = counts.fail - expected.filter(({ outcome }) => outcome === "fail").length + problems;
  const skipped = counts.unsupported + counts["not-testable"] + counts.inconclusive + counts.disabled + expected.length;
  const seconds = checks.reduce((total, check) => total + check.durationMs, 0) / 1000;
  return `tests="${checks.length + problems}" failures="${failures}" errors="${counts["harness-error"]}" skipped="${skipped}" time="${seconds.toFixed(3)}"`;
}

function encodeCase(check: ReportedCheck): string {
  const name = `classname="${escapeXml(check.area)}" name="${escapeXml(check.id)}" time="${(check.durationMs / 1000).toFixed(3)}"`;
  const detail = encodeDetail(check);
  return detail === "" ? `    <testcase ${name}/>\n` : `    <testcase ${name}>${detail}</testcase>\n`;
}

function encodeDetail(check: ReportedCheck): string {
  const expected = describeExpected(check);
  if (expected !== null) return `<skipped message="${escapeXml(`${expected}: ${check.reason}`)}"/>`;
  const message = escapeXml(`${check.outcome}: ${check.reason}`);
  switch (check.outcome) {
    case "pass":
      return "";
    case "warn":
      return `<system-out>${message}</system-out>`;
    case "fail":
      return `<failure type="${check.observer ?? "wire"}" message="${message}">${escapeXml(describeFailure(check))}</failure>`;
    case "harness-error":
      return `<error type="harness-error" message="${message}"/>`;
    case "unsupported":
    case "not-testable":
    case "inconclusive":
    case "disabled":
      return `<skipped message="${message}"/>`;
    default:
      return check.outcome satisfies never;
  }
}

function describeFailure({ requirement, reference, breaks, curl }: ReportedCheck): string {
  return [
    `requirement: ${requirement}`,
    `reference: ${reference}`,
    `breaks: ${breaks}`,
    `reproduce: ${curl ?? "-"}`,
  ].join("\n");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** What XML 1.0 can't hold, not even escaped: https://www.w3.org/TR/xml/#charsets */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** Text for an attribute or an element; forbidden characters become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(FORBIDDEN, "\ufffd")
    .replaceAll(/[&<>"\t\n\r]/g, (character) => ENTITIES[character] ?? character);
}
