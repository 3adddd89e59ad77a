import fc from "fast-check";
import { expect, test } from "vitest";
import { sampleReport } from "../sample-report.fixture.ts";
import { encodeJunit, escapeXml } from "./junit.ts";

/** Halves of pairs among them. */
const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));

/** What an XML 1.0 parser makes of escaped text. */
function unescapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"' };
  return text.replaceAll(/&(?:#(\d+)|(\w+));/g, (whole, code: string | undefined, name: string | undefined) =>
    code === undefined ? (names[name ?? ""] ?? whole) : String.fromCodePoint(Number(code)),
  );
}

test("escaped text holds nothing that XML forbids and reads back as what was written", () => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const escaped = escapeXml(text);
      expect(escaped).not.toMatch(/[<>"]|&(?!(?:#\d+|amp|lt|gt|quot);)/);
      // oxlint-disable-next-line no-control-regex -- they are what must not be there
      expect(escaped).not.toMatch(/[\u0000-\u001f\ufffe\uffff]|\p{Surrogate}/u);
      // oxlint-disable-next-line no-control-regex -- they are what must not be there
      const allowed = text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
      expect(unescapeXml(escaped)).toBe(allowed);
    }),
  );
});

test("every planned check is a case, and each outcome has its own element", () => {
  const xml = encodeJunit(sampleReport);
  expect(xml.match(/<testcase /g)).toHaveLength(sampleReport.checks.length);
  expect(xml).toContain('tests="8" failures="1" errors="1" skipped="4"');
  expect(xml).toContain('<failure type="wire" message="fail: because &lt;it&gt; broke">');
  expect(xml).toContain('<skipped message="not-testable: ');
  expect(xml).toContain('<error type="harness-error"');
  expect(xml).toContain("<system-out>warn: ");
});
