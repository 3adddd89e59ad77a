import fc from "fast-check";
import { expect, test } from "vitest";
import { sampleReport } from "../sample-report.fixture.ts";
import { harmlessReport, hostileReport } from "./hostile-report.fixture.ts";
import { encodeMarkdown } from "./markdown.ts";

/** What is left of Markdown without its code: blocks first, then spans, as CommonMark reads them. */
function removeCode(markdown: string): string {
  const outside: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split(/\r\n|\r|\n/)) {
    const [, run = ""] = /^(`{3,})[^`]*$/.exec(line) ?? [];
    if (fence !== null) {
      if (/^`{3,}\s*$/.test(line) && run.length >= fence.length) fence = null;
    } else if (run !== "") fence = run;
    else outside.push(removeSpans(line));
  }
  return fence === null ? outside.join("\n") : `${outside.join("\n")}\nunclosed`;
}

function removeSpans(line: string): string {
  return line.replaceAll(/(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)/g, "CODE");
}

test("the report has the verdict, a table of areas, and all that is needed to act on a failure", () => {
  const markdown = encodeMarkdown(sampleReport);
  expect(markdown).toMatch(/^## ✗ OpenAI API conformance: not conformant\n\n` 1 must check failed\. ` Exit code 1\.\n/);
  expect(markdown).toContain("| chat | ✗ not conformant | 1 pass, 1 warn, 1 fail, ");
  expect(markdown).toContain("expected  status 200\ngot       status 500 \\u001b[2J\n");
  expect(markdown).toContain("```sh\ncurl -i http://127.0.0.1/v1/models\n```");
  expect(markdown).toContain("| 1 | ` inconclusive: because <it> broke ` |");
});

test("failures that don't fit are counted", () => {
  const sample = sampleReport.checks.find(({ outcome }) => outcome === "fail");
  if (sample === undefined) throw new Error("the sample has no fail");
  const checks = Array.from({ length: 400 }, (_, index) => ({ ...sample, id: `chat.x-${index}`, actual: `${index}` }));
  const markdown = encodeMarkdown({ ...sampleReport, checks }, { bytesMax: 20_000 });
  expect(Buffer.byteLength(markdown)).toBeLessThan(22_000);
  expect(markdown).toMatch(/\d{3} more causes are in the other reports/);
});

test("no text of a target is outside of code", () => {
  const allowed = removeCode(encodeMarkdown(harmlessReport));
  fc.assert(
    fc.property(hostileReport, (report) => {
      expect(removeCode(encodeMarkdown(report))).toBe(allowed);
    }),
    { numRuns: 300 },
  );
});

test("no text of a target ends a cell of a table", () => {
  const cells = (line: string): number => line.split(/(?<!\\)\|/).length;
  fc.assert(
    fc.property(hostileReport, (report) => {
      const rows = encodeMarkdown(report)
        .split("\n")
        .filter((line) => /^\| \d+ \| `/.test(line));
      expect(rows.length).toBeGreaterThan(0);
      for (const row of rows) expect(cells(row)).toBe(4);
    }),
  );
});
