import { expect, test } from "vitest";
import { sampleReport } from "../sample-report.fixture.ts";
import { createPrettyReporter } from "./pretty.ts";

function render(isTerminal: boolean): string {
  let text = "";
  const reporter = createPrettyReporter({ write: (more) => void (text += more), isTerminal });
  const { suite, target, checks } = sampleReport;
  reporter.handle({ type: "run-start", suite, target, planned: checks.length, notes: ["a note"] });
  for (const check of checks) {
    reporter.handle({ type: "check-start", id: check.id });
    reporter.handle({ type: "check-end", check });
  }
  reporter.handle({ type: "run-end", report: sampleReport });
  return text;
}

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
  reporter.handle({ type: "run-start", suite, target, planned: 1, notes: [sent] });
  reporter.handle({ type: "run-end", report: { ...sampleReport, explanation: sent, checks } });
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\nline");
});

test("a terminal gets colour and a progress line that is gone at the end", () => {
  const text = render(true);
  expect(text).toContain("[1/8] chat.sample.");
  expect(text.slice(text.lastIndexOf("\r")).slice(0, 5)).toBe("\r\u001b[K\n");
});
