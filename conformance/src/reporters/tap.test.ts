import fc from "fast-check";
import { Parser } from "tap-parser";
import { expect, test } from "vitest";
import { sampleReport } from "../sample-report.fixture.ts";
import { hostileReport } from "./hostile-report.fixture.ts";
import { makePrintable } from "./report-texts.ts";
import { encodeTap } from "./tap.ts";

function parse(text: string) {
  const strayLines: string[] = [];
  const bailouts: unknown[] = [];
  const points: { ok: boolean; name: string; todo: unknown; skip: unknown; diag: Record<string, unknown> | null }[] =
    [];
  const parser = new Parser({ strict: true });
  parser.on("extra", (line: string) => strayLines.push(line));
  parser.on("bailout", (reason: unknown) => bailouts.push(reason));
  parser.on("assert", ({ ok, name, todo, skip, diag }) => points.push({ ok, name, todo, skip, diag }));
  parser.end(text);
  return { points, strayLines, bailouts, isOk: parser.ok, failures: parser.failures.length };
}

test("a parser of TAP 14 finds every check, and counts must failures and broken checks alone", () => {
  const { points, strayLines, bailouts, isOk } = parse(encodeTap(sampleReport));
  expect({ strayLines, bailouts, isOk }).toEqual({ strayLines: [], bailouts: [], isOk: false });
  expect(points.map(({ name }) => name)).toEqual(sampleReport.checks.map(({ id }) => id));
  const counted = points.filter(({ ok, todo }) => !ok && todo === false).map(({ name }) => name);
  expect(counted).toEqual(["chat.sample.fail", "chat.sample.harness-error"]);
  expect(points.filter(({ skip }) => skip !== false)).toHaveLength(4);
  expect(points.find(({ name }) => name === "chat.sample.fail")?.diag).toMatchObject({
    requirement: "It holds.",
    expected: "status 200",
    reproduce: "curl -i http://127.0.0.1/v1/models",
  });
});

test("a run that proved nothing bails out, because skipped checks alone look like success", () => {
  const text = encodeTap({ ...sampleReport, exitCode: 3, explanation: "Nothing answered." });
  expect(parse(text).bailouts).toEqual(["Nothing answered."]);
});

test("no text of a target is anything but a value of its own check", () => {
  fc.assert(
    fc.property(hostileReport, (report) => {
      const { points, strayLines, bailouts } = parse(encodeTap(report));
      expect({ strayLines, bailouts }).toEqual({ strayLines: [], bailouts: [] });
      expect(points.map(({ name }) => name)).toEqual(report.checks.map(({ id }) => id));
      for (const [index, { actual, outcome }] of report.checks.entries()) {
        if (outcome !== "fail") continue;
        expect(points[index]?.diag?.["actual"]).toBe(makePrintable(actual ?? "").toWellFormed());
        expect(points[index]).toMatchObject({ ok: false, todo: false, skip: false });
      }
    }),
  );
});
