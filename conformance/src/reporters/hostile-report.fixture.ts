/** Reports whose every text that a target can choose is hostile, for the tests of reporters. */

import fc from "fast-check";
import type { RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";

/** What ends a place, or begins something, in one of the formats. */
const BREAKOUTS = [
  "</script><script>alert(1)</script>",
  "<!--<script>",
  "]]>",
  "-->",
  `" onload="alert(1)`,
  `' onfocus='alert(1)`,
  "</title></svg><svg onload=alert(1)>",
  "</pre></td></table>",
  "<img src=http://evil.invalid/x.png>",
  "![x](http://evil.invalid/x.png)",
  "[x](javascript:alert(1))",
  "@everyone #1",
  "```\n\n# heading\n```",
  "| a | b |\n| --- | --- |",
  "\n::error::injected",
  "::set-output name=x::y",
  "##[add-mask]x",
  "\r\n::stop-commands::x",
  "%0A::warning::x",
  "\n  ...\nok 1 - x\n",
  "\n---\n",
  "# SKIP",
  "# TODO",
  "Bail out!",
  "\\",
  "\\# TODO",
  "[x](0) {0}",
  "\u001b[2J",
  "\u0000",
  "\u0085\u2028\u2029",
  "\u202e",
  "\ud800",
  "&amp;&#60;",
  "${7*7}`x`",
  "'; rm -rf / #",
];

const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...BREAKOUTS), fc.string({ unit: "binary", maxLength: 8 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) => `x${parts.join("")}`);

type Texts = Readonly<Record<"reason" | "expected" | "actual" | "curl" | "model" | "explanation", string>>;

/** Of the sample's checks, with the texts that a target can choose. */
function createReport(texts: Texts): RunReport {
  const { reason, expected, actual, curl, model, explanation } = texts;
  return {
    ...sampleReport,
    explanation,
    target: { baseUrl: `http://127.0.0.1/${model}`, models: { chat: model } },
    checks: sampleReport.checks.map((check) =>
      check.outcome === "pass" ? check : { ...check, reason, expected, actual, curl },
    ),
  };
}

export const harmlessReport = createReport({
  reason: "r",
  expected: "e",
  actual: "a",
  curl: "c",
  model: "m",
  explanation: "x",
});

export const hostileReport: fc.Arbitrary<RunReport> = fc
  .record({
    reason: hostileText,
    expected: hostileText,
    actual: hostileText,
    curl: hostileText,
    model: hostileText,
    explanation: hostileText,
  })
  .map(createReport);
