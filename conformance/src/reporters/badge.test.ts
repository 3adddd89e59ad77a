import fc from "fast-check";
import { SaxesParser } from "saxes";
import { expect, test } from "vitest";
import type { RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { createBadgeReporter, type BadgeFormat } from "./badge.ts";
import { hostileReport } from "./hostile-report.fixture.ts";

function write(report: RunReport, format: BadgeFormat): string {
  let text = "";
  const reporter = createBadgeReporter({ isTerminal: false, write: (more) => void (text += more) }, format);
  reporter.handle({ type: "run-end", report });
  return text;
}

/** Names of the elements and the text of each. @throws Error when it is no XML */
function parseXml(text: string): readonly string[] {
  const found: string[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name }) => void found.push(name));
  parser.on("text", (words) => void (words.trim() === "" || found.push(words)));
  parser.write(text).close();
  return found;
}

test("the SVG says the verdict to readers and to screen readers", () => {
  const svg = write(sampleReport, "svg");
  const message = "not conformant, 1 of 3";
  expect(parseXml(svg)).toEqual([
    "svg",
    "title",
    `OpenAI API: ${message}`,
    "rect",
    "rect",
    "g",
    "text",
    "OpenAI API",
    "text",
    message,
  ]);
  expect(svg).toContain(`role="img" aria-label="OpenAI API: ${message}"`);
});

test("the JSON is what shields.io wants of an endpoint", () => {
  expect(JSON.parse(write(sampleReport, "json"))).toEqual({
    schemaVersion: 1,
    label: "OpenAI API",
    message: "not conformant, 1 of 3",
    color: "#cf222e",
    isError: true,
  });
});

test.each([
  [{ verdict: "conformant", exitCode: 0 }, "conformant, 1 checks"],
  [{ verdict: "unproved", exitCode: 3 }, "not proved"],
  [{ verdict: "conformant", exitCode: 130, ending: "interrupted" }, "not proved"],
  [
    { verdict: "conformant", exitCode: 0, suite: { ...sampleReport.suite, profile: "selection" } },
    "conformant, 1 checks (selection)",
  ],
] as const satisfies readonly (readonly [Partial<RunReport>, string])[])(
  "%j is the message %s",
  (overrides, message) => {
    expect(JSON.parse(write({ ...sampleReport, ...overrides }, "json"))).toMatchObject({ message });
  },
);

test("no text of a target is in a badge", () => {
  fc.assert(
    fc.property(hostileReport, (report) => {
      for (const format of ["svg", "json"] as const) expect(write(report, format)).toBe(write(sampleReport, format));
    }),
  );
});
