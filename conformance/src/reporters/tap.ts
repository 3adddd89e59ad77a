/**
 * Writes TAP 14 (https://testanything.org/tap-version-14-specification.html): a test point per check with a YAML
 * diagnostic where there is something to say. A fail or a harness error is `not ok`, a warn is `not ok … # TODO`, which no
 * consumer counts as a failure, as is what a baseline expects to fail; what proved nothing is `# SKIP`. A wrong entry of a
 * baseline is a point of its own. A run that proved nothing bails out.
 */

import { stringify } from "yaml";
import { EXIT_CODES } from "../exit-code.ts";
import type { ReportedCheck, RunReport } from "../report.ts";
import { describeExpected, makePrintable } from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

export function createTapReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(encodeTap(event.report));
    },
  };
}

export function encodeTap(report: RunReport): string {
  const { suite, target, checks, exitCode, explanation } = report;
  const problems = report.baseline?.problems ?? [];
  const lines = [
    "TAP version 14",
    `# openai-conformance ${suite.version}, openai ${suite.sdkVersion}: ${makePrintable(target.baseUrl)}`,
    `1..${checks.length + problems.length}`,
    ...checks.map((check, index) => encodePoint(check, index + 1)),
    ...problems.map(({ id, message }, index) =>
      [
        `not ok ${checks.length + index + 1} - baseline: ${escapeTap(id)}`,
        encodeBlock({ message, severity: "fail" }),
      ].join("\n"),
    ),
    `# ${makePrintable(explanation)}`,
  ];
  // Skipped checks alone would look like success.
  const isProof = exitCode === EXIT_CODES.conformant || exitCode === EXIT_CODES["non-conformant"];
  if (!isProof) lines.push(`Bail out! ${makePrintable(explanation)}`);
  return `${lines.join("\n")}\n`;
}

function encodePoint(check: ReportedCheck, position: number): string {
  const { id, outcome } = check;
  const isOk = outcome !== "fail" && outcome !== "warn" && outcome !== "harness-error";
  const line = `${isOk ? "ok" : "not ok"} ${position} - ${escapeTap(id)}${encodeDirective(check)}`;
  return outcome === "pass" ? line : `${line}\n${encodeDiagnostic(check)}`;
}

function encodeDirective(check: ReportedCheck): string {
  const { outcome, reason, level } = check;
  const expected = describeExpected(check);
  if (expected !== null) return ` # TODO ${escapeTap(expected)}`;
  switch (outcome) {
    case "pass":
    case "fail":
    case "harness-error":
      return "";
    case "warn":
      return ` # TODO ${level}: ${escapeTap(reason)}`;
    case "unsupported":
    case "not-testable":
    case "inconclusive":
    case "disabled":
      return ` # SKIP ${outcome}: ${escapeTap(reason)}`;
    default:
      return outcome satisfies never;
  }
}

function encodeDiagnostic(check: ReportedCheck): string {
  const isJudged = check.outcome === "fail" || check.outcome === "warn";
  const shown = {
    message: check.reason,
    severity: check.outcome,
    level: check.level,
    duration_ms: Math.round(check.durationMs),
    ...(isJudged
      ? {
          requirement: check.requirement,
          observer: check.observer,
          expected: check.expected,
          actual: check.actual,
          reference: check.reference,
          breaks: check.breaks,
          reproduce: check.curl,
        }
      : {}),
  };
  return encodeBlock(shown);
}

function encodeBlock(shown: Readonly<Record<string, string | number | null>>): string {
  // Each value on one line: no text of a target can look like the end of the block.
  const yaml = stringify(replaceUnprintable(shown), {
    defaultStringType: "QUOTE_DOUBLE",
    defaultKeyType: "PLAIN",
    lineWidth: 0,
  });
  const block = ["---", ...yaml.trimEnd().split("\n"), "..."];
  return block.map((line) => `  ${line}`).join("\n");
}

function replaceUnprintable(values: Readonly<Record<string, string | number | null>>) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? makePrintable(value).toWellFormed() : value,
    ]),
  );
}

/** What would begin a directive or an escape; a backslash before it takes its meaning. */
function escapeTap(text: string): string {
  return makePrintable(text)
    .toWellFormed()
    .replaceAll(/[\\#]/g, String.raw`\$&`);
}
