import fc from "fast-check";
import { parse, type DefaultTreeAdapterTypes as Tree } from "parse5";
import { SaxesParser } from "saxes";
import { Parser } from "tap-parser";
import { expect, test } from "vitest";
import type { Expectation } from "../expectation.ts";
import { countOutcomes, type RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { encodeAnnotations } from "./github.ts";
import { harmlessReport, hostileReport } from "./hostile-report.fixture.ts";
import { encodeHtml } from "./html.ts";
import { encodeJunit } from "./junit.ts";
import { encodeMarkdown } from "./markdown.ts";
import { createPrettyReporter } from "./pretty.ts";
import { encodeSarif } from "./sarif.ts";
import { encodeTap } from "./tap.ts";

const EXPECTATION: Expectation = {
  state: "expected",
  reason: "known <b>",
  issue: "#1",
  expires: "2027-01-31",
  flaky: { failed: 1, of: 3 },
};

/** Of the sample's checks the fail and the warn are expected; one entry of the baseline is wrong. */
const checks = sampleReport.checks
  .filter(({ outcome }) => outcome !== "harness-error")
  .map((check) =>
    check.outcome === "fail" || check.outcome === "warn" ? { ...check, expectation: EXPECTATION } : check,
  );
const counts = countOutcomes(checks);

const report: RunReport = {
  ...sampleReport,
  baselineStanding: "baseline-stale",
  explanation: "The baseline is stale.",
  counts,
  areas: [{ area: "chat", verdict: "non-conformant", baselineStanding: "as-expected", counts, expected: 2 }],
  checks,
  baseline: {
    file: "ci/baseline.yaml",
    expected: 2,
    problems: [{ id: "chat.gone", kind: "unknown", line: 4, message: "No check has this id." }],
    wasToUpdate: false,
    update: null,
  },
};

const EXPECTED_TEXT = "expected failure: known <b> (#1; until 2027-01-31; flaky: at most 1 of 3 tries)";

test("the console names expected failures in a line each, and wrong entries with their place", () => {
  let text = "";
  const output = { isTerminal: false, columns: 1000, write: (more: string) => void (text += more) };
  createPrettyReporter(output).handle({ type: "run-end", report });
  expect(text).toContain(`~ fail chat.sample.fail (must), ${EXPECTED_TEXT}\n`);
  expect(text).toContain(`~ warn chat.sample.warn (should), ${EXPECTED_TEXT}\n`);
  expect(text).not.toContain("✗ fail");
  expect(text).toContain("✗ baseline chat.gone (ci/baseline.yaml:4): No check has this id.\n");
  expect(text).toContain("✓ chat  as expected     1 pass, 1 warn, 1 fail");
  expect(text).toContain("; 2 of them as expected\n");
  expect(text.trimEnd().split("\n").at(-1)).toBe("✗ baseline stale: The baseline is stale (exit 1)");
});

test("JUnit has expected failures as skipped, and wrong entries as failed cases", () => {
  const xml = encodeJunit(report);
  expect(xml).toContain('<testsuites name="openai-conformance" tests="8" failures="1" errors="0" skipped="6"');
  expect(xml).toContain('<testsuite name="chat" tests="7" failures="0" errors="0" skipped="6"');
  expect(xml.match(/<skipped message="expected failure: known &lt;b&gt; \(#1;/g)).toHaveLength(2);
  expect(xml.match(/<failure /g)).toHaveLength(1);
  expect(xml).toContain('name="chat.gone"><failure type="unknown" message="No check has this id."/>');
});

test("TAP has expected failures as TODO, and wrong entries as failed points", () => {
  const points: { ok: boolean; name: string; todo: string | boolean }[] = [];
  const parser = new Parser();
  parser.on("assert", (point: { ok: boolean; name: string; todo: string | boolean }) => void points.push(point));
  parser.end(encodeTap(report));
  expect(parser.results).toMatchObject({ plan: { end: 8 }, todo: 2 });
  expect(points.filter(({ todo }) => todo !== false && todo !== "").map(({ name, todo }) => [name, todo])).toEqual([
    ["chat.sample.warn", EXPECTED_TEXT],
    ["chat.sample.fail", EXPECTED_TEXT],
  ]);
  expect(points.filter(({ ok, todo }) => !ok && (todo === false || todo === ""))).toHaveLength(1);
  expect(points.at(-1)).toMatchObject({ ok: false, name: "baseline: chat.gone" });
});

test("SARIF has expected failures as suppressed results, and wrong entries as notifications", () => {
  const [run] = encodeSarif(report).runs;
  const suppressed = run?.results?.filter(({ suppressions }) => suppressions !== undefined) ?? [];
  expect(suppressed.map(({ ruleId }) => ruleId)).toEqual(["chat.sample.warn", "chat.sample.fail"]);
  expect(suppressed[0]?.suppressions).toEqual([{ kind: "external", status: "accepted", justification: EXPECTED_TEXT }]);
  expect(run?.invocations?.[0]?.toolConfigurationNotifications).toEqual([
    { level: "error", message: { text: "baseline chat.gone: No check has this id." } },
  ]);
});

test("annotations have expected failures as one notice, and wrong entries as errors at their line", () => {
  const lines = encodeAnnotations(report).trimEnd().split("\n");
  expect(lines).toEqual([
    "::error title=Conformance%3A baseline stale::The baseline is stale.",
    "::error title=Baseline%3A chat.gone,file=ci/baseline.yaml,line=4::No check has this id.",
    `::notice title=2 failed as the baseline expects::chat.sample.warn (should): ${EXPECTED_TEXT}%0Achat.sample.fail (must): ${EXPECTED_TEXT}`,
  ]);
});

test("Markdown has a table of each", () => {
  const text = encodeMarkdown(report);
  expect(text).toContain("## ✗ OpenAI API conformance: baseline stale");
  expect(text).toContain("| ` chat.gone ` | ` ci/baseline.yaml:4 ` | ` No check has this id. ` |");
  expect(text).toContain(`| \` chat.sample.fail \` | must | \` ${EXPECTED_TEXT} \` |`);
  expect(text).not.toContain("### ✗ ` chat.sample.fail `");
});

test("the page marks expected failures, lists wrong entries, and has every check", () => {
  const page = encodeHtml(report);
  expect(page.match(/<span class="tag expected">expected (?:fail|warn)<\/span>/g)).toHaveLength(2);
  expect(page).toContain("expected failure: known &lt;b&gt; (#1;");
  expect(page).toContain('<h2 id="baseline">Wrong entries of the baseline (1)</h2>');
  expect(page.match(/<details /g)).toHaveLength(checks.length);
});

test("a run that is no gate says so on the page and in Markdown", () => {
  expect(encodeMarkdown({ ...report, gate: false })).toContain("this run is no gate");
  expect(encodeHtml({ ...report, gate: false })).toContain("--report-only: no gate");
});

/** Whatever a target sent may be the reason of an entry that `--update-baseline` wrote. */
function withBaseline(given: RunReport): RunReport {
  const reason = given.explanation;
  const expectation: Expectation = { ...EXPECTATION, reason, issue: reason };
  return {
    ...given,
    checks: given.checks.map((check) => (check.outcome === "warn" ? { ...check, expectation } : check)),
    baseline: {
      file: "baseline.yaml",
      expected: 1,
      problems: [{ id: "chat.gone", kind: "not-judged", line: 1, message: reason }],
      wasToUpdate: true,
      update: null,
    },
  };
}

const outlines: Readonly<Record<string, (given: RunReport) => readonly string[]>> = {
  junit: (given) => {
    const found: string[] = [];
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("opentag", ({ name, attributes }) => void found.push(`${name} ${Object.keys(attributes).join(" ")}`));
    parser.write(encodeJunit(given)).close();
    return found;
  },
  tap: (given) => {
    const found: string[] = [];
    const parser = new Parser({ strict: true });
    parser.on("extra", (line: string) => void found.push(`stray ${line}`));
    parser.on("assert", ({ ok, name }) => void found.push(`${ok} ${name}`));
    parser.end(encodeTap(given));
    return found;
  },
  github: (given) =>
    encodeAnnotations(given)
      .split(/\r\n|\r|\n/)
      .map((line) => line.split("::").slice(0, 2).join("::")),
  html: (given) => {
    const found: string[] = [];
    const visit = (node: Tree.Node): void => {
      if ("attrs" in node) found.push(`${node.tagName} ${node.attrs.map(({ name }) => name).join(" ")}`);
      if ("childNodes" in node) node.childNodes.forEach(visit);
    };
    visit(parse(encodeHtml(given)));
    return found;
  },
};

test.each(Object.entries(outlines))("no text of a baseline changes the structure of %s", (_, outline) => {
  const allowed = outline(withBaseline(harmlessReport));
  fc.assert(
    fc.property(hostileReport, (given) => {
      expect(outline(withBaseline(given))).toEqual(allowed);
    }),
    { numRuns: 30 },
  );
});
