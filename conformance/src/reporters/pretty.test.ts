import { expect, test } from "vitest";
import type { RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { createPrettyReporter } from "./pretty.ts";

function render(isTerminal: boolean, overrides: Partial<RunReport> = {}): string {
  let text = "";
  const reporter = createPrettyReporter(
    { write: (more) => void (text += more), isTerminal },
    { listFiles: () => ["report.json", "junit.xml"] },
  );
  const report = { ...sampleReport, ...overrides };
  const { suite, target, checks } = report;
  const areas = [{ area: "chat", planned: checks.length }] as const;
  reporter.handle({ type: "run-start", suite, target, planned: checks.length, areas, notes: ["a note"] });
  for (const check of checks) {
    reporter.handle({ type: "check-start", id: check.id });
    reporter.handle({ type: "check-end", check });
  }
  reporter.handle({ type: "run-end", report });
  return text;
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

test.each([true, false])(
  "the verdict is the last line, after the names of the reports, on a terminal: %s",
  (isTerminal) => {
    const text = render(isTerminal);
    expect(lastLine(text)).toContain("not conformant");
    expect(lastLine(text)).toMatch(/: 1 must check failed \(exit 1\)$/);
    expect(text).toContain("Reports: report.json, junit.xml\n");
    expect(text).toContain("8 checks in 1.2 s: 1 pass, 1 warn, 1 fail");
  },
);

test("of a target that is no API, the reason is all that is said", () => {
  const reason = "Nothing at http://127.0.0.1:1/v1 answered.";
  const text = render(false, { ending: "unidentified", verdict: "unproved", exitCode: 3, explanation: reason });
  expect(lastLine(text)).toBe("? not proved: Nothing at http://127.0.0.1:1/v1 answered (exit 3)");
  const afterHeader = text.slice(text.indexOf("a note\n") + "a note\n".length);
  expect(afterHeader.split("\n").filter((line) => !line.startsWith("["))).toHaveLength(4);
});

test("an interrupted run names failures and counts, and no check that it did not come to", () => {
  const untried = sampleReport.checks.map((check) => ({
    ...check,
    id: `chat.untried.${check.outcome}`,
    outcome: "inconclusive" as const,
    reason: "not tried: the run was stopped",
  }));
  const text = render(false, {
    ending: "interrupted",
    exitCode: 130,
    explanation: "after 8 of 16 checks; 1 must check failed.",
    checks: [...sampleReport.checks, ...untried],
  });
  expect(lastLine(text)).toBe("? interrupted: after 8 of 16 checks; 1 must check failed (exit 130)");
  expect(text).toContain("✗ fail chat.sample.fail");
  expect(text).not.toContain("untried");
});

test("of many checks with one reason some are named, between whole words at the width of a terminal", () => {
  const sample = sampleReport.checks.find(({ outcome }) => outcome === "not-testable");
  if (sample === undefined) throw new Error("the sample has no such outcome");
  const checks = Array.from({ length: 60 }, (_, index) => ({
    ...sample,
    id: `chat.sample.number-${index}`,
    reason: "x",
  }));
  const text = render(true, { checks });
  const lines = text.split("\n").filter((line) => line.startsWith("    chat."));
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) {
    expect(line.length).toBeLessThan(80);
    expect(line).toMatch(/number-\d+,( and( 48)?)?$/);
  }
  expect(text).toMatch(/number-11,\s+and\s+48\s+more\n/);
});

test("a failure is shown with everything that is needed to act on it", () => {
  const text = render(false);
  const rows = ["requirement  It holds.", "observer     wire", "expected     status 200", "reference    RFC 9110"];
  for (const row of [...rows, "breaks       Everyone.", "reproduce    curl -i"]) expect(text).toContain(row);
});

test("every outcome that is no pass is named with its reason", () => {
  const text = render(false);
  for (const outcome of ["unsupported", "not-testable", "inconclusive", "harness-error", "disabled"]) {
    expect(text).toContain(`${outcome} chat.sample.${outcome}: because <it> broke`);
  }
});

test("checks that nobody accounts for are a section of their own, with those that should have", () => {
  const text = render(false);
  expect(text).toContain("? not accounted for (1): these checks could not be judged");
  expect(text).toContain("    chat.sample.inconclusive, judged by chat.sample.pass\n");
  const checks = sampleReport.checks.map((check) => ({ ...check, isOrphan: false }));
  expect(render(false, { checks })).not.toContain("not accounted for");
});

test("a reason that several checks share is printed once, with their ids", () => {
  const sample = sampleReport.checks.find(({ outcome }) => outcome === "not-testable");
  if (sample === undefined) throw new Error("the sample has no such outcome");
  const checks = ["a.one", "a.two"].map((id) => ({ ...sample, id, reason: "no key" }));
  let text = "";
  const reporter = createPrettyReporter({ write: (more) => void (text += more), isTerminal: false });
  reporter.handle({ type: "run-end", report: { ...sampleReport, checks } });
  expect(text).toContain("not-testable (2): no key\n    a.one, a.two\n");
});

test("without a terminal there is no escape sequence, not even one that the target sent", () => {
  expect(render(false)).not.toContain("\u001b");
});

test("text that the target sent stays on its line, wherever it is shown", () => {
  const sent = "<p>\u001b[2J\nline";
  const checks = sampleReport.checks.map((check) => ({ ...check, reason: sent }));
  const suite = sampleReport.suite;
  let text = "";
  const reporter = createPrettyReporter({ write: (more) => void (text += more), isTerminal: false });
  const target = { ...sampleReport.target, models: { chat: sent } };
  reporter.handle({ type: "run-start", suite, target, planned: 1, areas: [], notes: [sent] });
  reporter.handle({ type: "run-end", report: { ...sampleReport, explanation: sent, checks } });
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\nline");
});

test("a terminal gets colour and a progress line that is gone at the end", () => {
  const text = render(true);
  expect(text).toMatch(/\[1\/8\] {2}12 % chat\.sample\./);
  expect(text.slice(text.lastIndexOf("\r")).slice(0, 5)).toBe("\r\u001b[K\n");
});

test("the counts of an area are wrapped between words on a narrow terminal, below one another", () => {
  let text = "";
  const output = { write: (more: string) => void (text += more), isTerminal: true, columns: 46 };
  createPrettyReporter(output, { listFiles: () => [] }).handle({ type: "run-end", report: sampleReport });
  // oxlint-disable-next-line no-control-regex -- colours are not what is tested
  const lines = text.replaceAll(/\u001b\[\d+m/g, "").split("\n");
  const start = lines.findIndex((line) => line.includes("conformant") && line.includes("1 pass"));
  expect(lines.slice(start, start + 2).every((line) => line.length < 46)).toBe(true);
  expect(lines[start + 1]).toMatch(/^ {20,}\S/);
});
