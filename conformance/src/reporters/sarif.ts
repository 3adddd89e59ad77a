/**
 * Writes SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as code scanning reads it: a rule per check that
 * was judged or broke, a result for each fail, warn and pass, a notification for each check that broke and each wrong entry
 * of a baseline. What the baseline expects to fail is a suppressed result.
 */

import type { Log, Notification, ReportingDescriptor, Result, Run } from "sarif";
import type { Level } from "../check.ts";
import type { ReportedCheck, RunReport } from "../report.ts";
import { describeExpected, makePrintable } from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

/** The version that code scanning accepts. */
const SCHEMA_URL = "https://json.schemastore.org/sarif-2.1.0.json";

/**
 * A server has no line of code. Code scanning refuses results without a relative path, so that they are put at the
 * report that holds their evidence.
 */
const ARTEFACT = "report.json";

export function createSarifReporter(output: Output): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end") output.write(`${JSON.stringify(encodeSarif(event.report), null, 2)}\n`);
    },
  };
}

export function encodeSarif(report: RunReport): Log {
  const { suite, checks, verdict, exitCode, explanation } = report;
  const judged = checks.filter(({ outcome }) => outcome === "fail" || outcome === "warn" || outcome === "pass");
  const broken = checks.filter(({ outcome }) => outcome === "harness-error");
  const run: Run = {
    tool: {
      driver: {
        name: "openai-conformance",
        semanticVersion: suite.version,
        rules: [...judged, ...broken].map(encodeRule),
        properties: { sdk_version: suite.sdkVersion, spec_sha256: suite.specSha256 },
      },
    },
    automationDetails: { id: `openai-conformance/${suite.profile}/` },
    invocations: [
      {
        executionSuccessful: broken.length === 0 && report.ending === "complete",
        exitCode,
        exitCodeDescription: makeText(explanation),
        toolExecutionNotifications: broken.map(encodeNotification),
        toolConfigurationNotifications: (report.baseline?.problems ?? []).map(({ id, message }) => ({
          level: "error",
          message: { text: makeText(`baseline ${id}: ${message}`) },
        })),
      },
    ],
    results: judged.map((check, ruleIndex) => encodeResult(check, ruleIndex, report)),
    columnKind: "utf16CodeUnits",
    properties: { verdict, counts: report.counts, base_url: report.target.baseUrl },
  };
  return { $schema: SCHEMA_URL, version: "2.1.0", runs: [run] };
}

function encodeRule({ id, level, requirement, reference, breaks, area, tier }: ReportedCheck): ReportingDescriptor {
  return {
    id,
    shortDescription: { text: requirement },
    fullDescription: { text: `${requirement} Who breaks: ${breaks}` },
    help: { text: `Rule: ${reference}\nWho breaks: ${breaks}\nMore: npx @openai-compat/conformance explain ${id}` },
    defaultConfiguration: { level: mapLevel(level) },
    properties: { tags: [area, level, tier] },
  };
}

function encodeResult(check: ReportedCheck, ruleIndex: number, { target }: RunReport): Result {
  const isPass = check.outcome === "pass";
  const expected = describeExpected(check);
  return {
    ruleId: check.id,
    ruleIndex,
    kind: isPass ? "pass" : "fail",
    // SARIF wants the level of what is no failure to be none.
    level: isPass ? "none" : mapOutcome(check),
    message: { text: isPass ? check.requirement : describeFailure(check) },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: ARTEFACT }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: target.baseUrl, kind: "resource" }],
      },
    ],
    partialFingerprints: { "checkId/v1": check.id },
    ...(expected === null
      ? {}
      : { suppressions: [{ kind: "external", status: "accepted", justification: makeText(expected) }] }),
    ...(isPass ? {} : { properties: listEvidence(check) }),
  };
}

function encodeNotification({ id, reason }: ReportedCheck): Notification {
  return { level: "error", message: { text: makeText(reason) }, associatedRule: { id } };
}

function describeFailure(check: ReportedCheck): string {
  const rows = [
    check.requirement,
    `Expected: ${check.expected ?? "-"}`,
    `Got: ${check.actual ?? check.reason}`,
    `Reproduce: ${check.curl ?? "-"}`,
  ];
  return rows.map(makeText).join("\n");
}

function listEvidence({ observer, expected, actual, curl, tries }: ReportedCheck) {
  return { observer, expected, got: actual, curl, tries };
}

/** A must that only warns comes and goes. */
function mapOutcome({ outcome, level }: ReportedCheck): "error" | "warning" | "note" {
  if (outcome === "fail") return "error";
  return level === "may" ? "note" : "warning";
}

function mapLevel(level: Level): "error" | "warning" | "note" {
  switch (level) {
    case "must":
      return "error";
    case "should":
      return "warning";
    case "may":
      return "note";
    default:
      return level satisfies never;
  }
}

/**
 * In a message `[text](address)` is a link, and a backslash takes that from it (3.11.6). Braces stay: they mean something
 * only where a message has arguments.
 */
function makeText(text: string): string {
  return makePrintable(text)
    .toWellFormed()
    .replaceAll(/[\\[\]]/g, String.raw`\$&`);
}
