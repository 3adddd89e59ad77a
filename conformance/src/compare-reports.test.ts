import { expect, test } from "vitest";
import { classifyChange, compareReports, renderComparison } from "./compare-reports.ts";
import type { FailOn } from "./exit-code.ts";
import { OUTCOMES } from "./outcome.ts";
import { decodeReport, type ReadReport } from "./read-report.ts";
import { type SampleOutcomes, sampleJson } from "./report-file.fixture.ts";
import type { JsonReport } from "./report.ts";

const read = (outcomes: SampleOutcomes, overrides: Partial<JsonReport> = {}): ReadReport =>
  decodeReport(JSON.stringify(sampleJson(outcomes, overrides)), "r.json");

function render(a: SampleOutcomes, b: SampleOutcomes, failOn: FailOn = "must") {
  return renderComparison(read(a), read(b), failOn);
}

test("every pair of outcomes is a change of one kind, or none", () => {
  const table = OUTCOMES.map((before) => OUTCOMES.map((after) => classifyChange(before, after) ?? "-").join(" "));
  expect(Object.fromEntries(OUTCOMES.map((outcome, index) => [outcome, table[index]]))).toEqual({
    pass: "- worse worse lost lost lost lost lost",
    warn: "better - worse lost lost lost lost lost",
    fail: "better better - lost lost lost lost lost",
    unsupported: "judged failing failing - - - - -",
    "not-testable": "judged failing failing - - - - -",
    inconclusive: "judged failing failing - - - - -",
    "harness-error": "judged failing failing - - - - -",
    disabled: "judged failing failing - - - - -",
  });
});

test("what changes from A to B is the reverse of what changes from B to A", () => {
  const a = read({ "m.a": "pass", "m.b": "fail", "m.c": "inconclusive", "m.d": "pass" });
  const b = read({ "m.a": "fail", "m.b": "pass", "m.c": "pass", "m.e": "pass" });
  const [there, back] = [compareReports(a, b), compareReports(b, a)];
  const ids = (changed: readonly { readonly after: { readonly id: string } }[]) => changed.map(({ after }) => after.id);
  expect(ids(there.changes.worse)).toEqual(ids(back.changes.better));
  expect(ids(there.changes.better)).toEqual(ids(back.changes.worse));
  expect(ids(there.changes.judged)).toEqual(ids(back.changes.lost));
  expect(there.added).toEqual(back.gone);
  expect(there.gone).toEqual(back.added);
  expect(there.same).toBe(back.same);
});

test.each([
  ["nothing", { "m.a": "pass" }, { "m.a": "pass" }, 0],
  ["a pass that fails", { "m.a": "pass", "m.b": "pass" }, { "m.a": "pass", "m.b": "fail" }, 1],
  ["a flaky must that fails", { "m.a": "pass", "m.b": "warn" }, { "m.a": "pass", "m.b": "fail" }, 1],
  ["a pass that warns", { "m.a": "pass", "m.b": "pass" }, { "m.a": "pass", "m.b": "warn" }, 0],
  ["a failure that stays", { "m.a": "fail" }, { "m.a": "fail" }, 0],
  ["a new check that fails", { "m.a": "pass" }, { "m.a": "pass", "m.b": "fail" }, 0],
  [
    "a pass that has no verdict, beside another pass",
    { "m.a": "pass", "m.b": "pass" },
    { "m.a": "pass", "m.b": "inconclusive" },
    0,
  ],
  ["all without a verdict", { "m.a": "pass" }, { "m.a": "inconclusive" }, 3],
  ["no check in common", { "m.a": "pass" }, { "m.b": "pass" }, 3],
  ["no checks", {}, {}, 3],
] as const satisfies readonly (readonly [string, SampleOutcomes, SampleOutcomes, number])[])(
  "for %s from %j to %j the exit code is %i",
  (_, a, b, exitCode) => {
    const result = render(a, b);
    expect(result.exitCode).toBe(exitCode);
    expect(result.text.trimEnd().split("\n").at(-1)).toContain(`(exit ${exitCode})`);
  },
);

test("with --fail-on should, a should that warns now is a failure", () => {
  const should = (outcome: "pass" | "warn"): ReadReport => {
    const json = sampleJson({ "m.a": outcome });
    return decodeReport(
      JSON.stringify({ ...json, checks: json.checks.map((check) => ({ ...check, level: "should" })) }),
      "r",
    );
  };
  expect(renderComparison(should("pass"), should("warn"), "must").exitCode).toBe(0);
  expect(renderComparison(should("pass"), should("warn"), "should").exitCode).toBe(1);
});

test("the text names each change with its reason, and what is new and gone", () => {
  const { text } = render(
    { "m.a": "pass", "m.b": "fail", "m.c": "pass", "m.gone": "pass", "m.same": "pass" },
    { "m.a": "fail", "m.b": "pass", "m.c": "inconclusive", "m.new": "fail", "m.same": "pass" },
  );
  expect(text)
    .toBe(`A: r.json: http://127.0.0.1:1/v1, chat model m, 5 checks, not conformant · suite 1.2.3, full, openai 7.0.0
B: r.json: http://127.0.0.1:1/v1, chat model m, 5 checks, not conformant · suite 1.2.3, full, openai 7.0.0

✗ worse (1)
    m.a (must)  pass → fail: m.a is fail

? no verdict any more (1)
    m.c (must)  pass → inconclusive: m.c is inconclusive

✓ better (1)
    m.b (must)  fail → pass: m.b is fail

+ new, in B alone (1)
    m.new  fail

- gone, in A alone (1)
    m.gone  pass

1 the same.
✗ 1 check that did not fail in A fails in B (exit 1)
`);
});

test("reports of different suites, SDKs, profiles and of a run that did not end are compared with a caution each", () => {
  const suite = { version: "9", profile: "selection", sdk_version: "6.1.0", spec_sha256: "x" };
  const other = read({ "m.a": "pass" }, { suite, ending: "interrupted" });
  const { text, exitCode } = renderComparison(read({ "m.a": "pass" }), other, "must");
  expect(exitCode).toBe(0);
  expect(text.match(/^! /gm)).toHaveLength(4);
  expect(render({ "m.a": "pass" }, { "m.a": "pass" }).text).not.toMatch(/^! /m);
});

test("a report of thousands of changes is a short text, and hostile text moves no cursor", () => {
  const many = (outcome: "pass" | "fail"): SampleOutcomes =>
    Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`m.\u001b[2J${index}`, outcome]));
  const { text } = render(many("pass"), many("fail"));
  expect(text).toContain("and 2950 more");
  expect(text.length).toBeLessThan(10_000);
  expect(text).not.toContain("\u001b");
});
