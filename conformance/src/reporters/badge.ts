/**
 * Writes a badge with the verdict: an SVG, or for a file that ends in `.json` the answer that shields.io wants of an
 * endpoint (https://shields.io/badges/endpoint-badge).
 */

import type { Verdict } from "../exit-code.ts";
import type { RunReport } from "../report.ts";
import { escapeXml } from "./junit.ts";
import { VERDICT_TEXTS } from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";

const LABEL = "OpenAI API";

/** White text on each has a contrast of 4.5 at least. */
const COLOURS: Readonly<Record<Verdict, string>> = {
  conformant: "#1a7f37",
  "non-conformant": "#cf222e",
  unproved: "#57606a",
  "harness-error": "#57606a",
};

export type BadgeFormat = "svg" | "json";

export function createBadgeReporter(output: Output, format: BadgeFormat): Reporter {
  return {
    handle(event) {
      if (event.type === "run-end")
        output.write(format === "json" ? encodeEndpoint(event.report) : encodeBadge(event.report));
    },
  };
}

function describeBadge({ verdict, counts, suite, ending }: RunReport): string {
  const scope = suite.profile === "full" ? "" : ` (${suite.profile})`;
  if (ending !== "complete") return `not proved${scope}`;
  const judged = counts.pass + counts.fail + counts.warn;
  const figure = verdict === "non-conformant" ? `${counts.pass} of ${judged}` : `${counts.pass} checks`;
  const amount = verdict === "conformant" || verdict === "non-conformant" ? `, ${figure}` : "";
  return `${VERDICT_TEXTS[verdict]}${amount}${scope}`;
}

function chooseColour({ verdict, ending }: RunReport): string {
  return COLOURS[ending === "complete" ? verdict : "unproved"];
}

function encodeEndpoint(report: RunReport): string {
  const message = describeBadge(report);
  const color = chooseColour(report);
  return `${JSON.stringify({ schemaVersion: 1, label: LABEL, message, color, isError: report.exitCode !== 0 })}\n`;
}

const HEIGHT = 20;
const PADDING = 6;
/** Mean width of a character at 11 pixels; `textLength` makes the text exactly as wide. */
const CHARACTER_WIDTH = 6.4;

function measureText(text: string): number {
  return Math.round(text.length * CHARACTER_WIDTH) + 2 * PADDING;
}

/** Text of both parts is the suite's own; it is escaped all the same. */
function encodeBadge(report: RunReport): string {
  const message = describeBadge(report);
  const labelWidth = measureText(LABEL);
  const messageWidth = measureText(message);
  const name = escapeXml(`${LABEL}: ${message}`);
  const text = (from: number, width: number, shown: string): string =>
    `<text x="${from + PADDING}" y="14" textLength="${width - 2 * PADDING}">${escapeXml(shown)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${labelWidth + messageWidth}" height="${HEIGHT}" role="img" aria-label="${name}">`,
    `  <title>${name}</title>`,
    `  <rect width="${labelWidth}" height="${HEIGHT}" fill="#24292f"/>`,
    `  <rect x="${labelWidth}" width="${messageWidth}" height="${HEIGHT}" fill="${chooseColour(report)}"/>`,
    `  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">`,
    `    ${text(0, labelWidth, LABEL)}`,
    `    ${text(labelWidth, messageWidth, message)}`,
    `  </g>`,
    `</svg>`,
    "",
  ].join("\n");
}
