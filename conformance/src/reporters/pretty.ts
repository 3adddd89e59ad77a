/** The report for people: a progress line while it runs, a verdict per area, and all evidence for each failure. */

import type { Verdict } from "../exit-code.ts";
import { OUTCOMES } from "../outcome.ts";
import type { Counts, ReportedCheck, RunReport } from "../report.ts";
import type { RunEvent } from "../run-conformance.ts";
import type { Output, Reporter } from "./reporter.ts";

type Colour = "red" | "green" | "yellow" | "dim" | "bold";
type Paint = (colour: Colour, text: string) => string;

const COLOUR_CODES: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

const VERDICTS: Readonly<Record<Verdict, { mark: string; text: string; colour: Colour }>> = {
  conformant: { mark: "✓", text: "conformant", colour: "green" },
  "non-conformant": { mark: "✗", text: "not conformant", colour: "red" },
  unproved: { mark: "?", text: "not proved", colour: "yellow" },
  "harness-error": { mark: "!", text: "harness error", colour: "red" },
};

/** @param options.colour default: whether the output is a terminal */
export function createPrettyReporter(output: Output, options: { readonly colour?: boolean } = {}): Reporter {
  const colour = options.colour ?? output.isTerminal;
  const paint: Paint = (name, text) => (colour ? `\u001b[${COLOUR_CODES[name]}m${text}\u001b[0m` : text);
  let planned = 0;
  let ended = 0;
  const showProgress = (id: string): void => {
    if (output.isTerminal) output.write(`\r\u001b[K${paint("dim", `[${ended}/${planned}] ${id}`)}`);
  };
  return {
    handle(event: RunEvent) {
      switch (event.type) {
        case "run-start":
          planned = event.planned;
          output.write(renderStart(event, paint));
          return;
        case "check-start":
          showProgress(event.id);
          return;
        case "check-end":
          ended += 1;
          showProgress(event.check.id);
          return;
        case "run-end":
          if (output.isTerminal) output.write("\r\u001b[K");
          output.write(renderReport(event.report, paint));
          return;
        default:
          event satisfies never;
      }
    },
  };
}

function renderStart(event: RunEvent & { type: "run-start" }, paint: Paint): string {
  const { suite, target, planned, notes } = event;
  const spec = suite.specSha256 === null ? "" : ` · spec ${suite.specSha256.slice(0, 12)}`;
  const model = target.models.chat === undefined ? "" : ` · chat model ${makePrintable(target.models.chat)}`;
  const lines = [
    paint("bold", `openai-conformance ${suite.version}`) + paint("dim", ` · openai ${suite.sdkVersion}${spec}`),
    `${target.baseUrl}${model} · ${planned} checks`,
    ...notes.map((note) => paint("dim", makePrintable(note))),
  ];
  return `${lines.join("\n")}\n`;
}

function renderReport(report: RunReport, paint: Paint): string {
  const failures = ["fail", "warn"].flatMap((shown) => report.checks.filter(({ outcome }) => outcome === shown));
  const others = report.checks.filter(({ outcome }) => outcome !== "pass" && outcome !== "fail" && outcome !== "warn");
  const width = Math.max(...report.areas.map(({ area }) => area.length), 0);
  const areas = report.areas.map(({ area, verdict, counts }) => {
    const { mark, text, colour } = VERDICTS[verdict];
    return `  ${paint(colour, mark)} ${area.padEnd(width)}  ${paint(colour, text.padEnd(14))}  ${renderCounts(counts)}`;
  });
  const { mark, text, colour } = VERDICTS[report.verdict];
  const sections = [
    areas.join("\n"),
    ...failures.map((check) => renderFailure(check, paint)),
    renderUnproved(others, paint),
    `${paint(colour, `${mark} ${text}`)}: ${makePrintable(report.explanation)} ${report.checks.length} planned: ${renderCounts(report.counts)}` +
      `, ${(report.durationMs / 1000).toFixed(1)} s (exit ${report.exitCode})`,
  ];
  return `\n${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

/** One line per check, or per reason that several checks share. */
function renderUnproved(checks: readonly ReportedCheck[], paint: Paint): string {
  const groups = new Map<string, ReportedCheck[]>();
  for (const check of checks) {
    const key = `${check.outcome} ${check.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), check]);
  }
  const lines = [...groups.values()].map((group) => {
    const { outcome = "", reason = "" } = group[0] ?? {};
    const named = group.map(({ id }) => id).join(", ");
    const title = group.length === 1 ? `${outcome} ${named}` : `${outcome} (${group.length})`;
    const line = `${paint("yellow", title)}: ${makePrintable(reason)}`;
    return group.length === 1 ? line : `${line}\n    ${named}`;
  });
  return lines.join("\n");
}

function renderFailure(check: ReportedCheck, paint: Paint): string {
  const isFail = check.outcome === "fail";
  const rows: readonly (readonly [string, string])[] = [
    ["requirement", check.requirement],
    ["observer", check.observer ?? "-"],
    ["expected", check.expected ?? "-"],
    ["got", check.actual ?? check.reason],
    ["reference", check.reference],
    ["breaks", check.breaks],
    ["reproduce", check.curl ?? "-"],
  ];
  const title = paint(isFail ? "red" : "yellow", `${isFail ? "✗ fail" : "! warn"} ${check.id}`);
  const body = rows.map(([name, value]) => `    ${paint("dim", name.padEnd(11))}  ${makePrintable(value)}`);
  return [`${title} (${check.level})`, ...body].join("\n");
}

function renderCounts(counts: Counts): string {
  const parts = OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => `${counts[outcome]} ${outcome}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

/** What a target sent must not drive the terminal. */
function makePrintable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) =>
    JSON.stringify(character).slice(1, -1).replace("\u007f", "\\u007f"),
  );
}
