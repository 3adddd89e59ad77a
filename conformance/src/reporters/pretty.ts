/**
 * The report for people: progress while it runs, a verdict per area, all evidence for each failure, and the verdict.
 */

import { isUntried } from "../outcome.ts";
import { renderCounts, type ReportedCheck, type RunReport } from "../report.ts";
import type { RunEvent } from "../run-conformance.ts";
import { createProgress } from "./progress.ts";
import {
  type CauseGroup,
  describeBaseline,
  describeExpected,
  describeFlakiness,
  groupByCause,
  makePrintable,
  resolveStanding,
  selectFailures,
  type Standing,
  VERDICT_MARKS,
  VERDICT_TEXTS,
} from "./report-texts.ts";
import type { Output, Reporter } from "./reporter.ts";
import { wrapText } from "./wrap-text.ts";

type Colour = "red" | "green" | "yellow" | "dim" | "bold";
type Paint = (colour: Colour, text: string) => string;

const COLOUR_CODES: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

const VERDICT_COLOURS: Readonly<Record<Standing, Colour>> = {
  conformant: "green",
  "non-conformant": "red",
  unproved: "yellow",
  "harness-error": "red",
  "as-expected": "green",
  "baseline-stale": "red",
};

export interface PrettyOptions {
  /** Default: whether the output is a terminal. */
  readonly colour?: boolean;
  /** Whether to show how the run goes. Default: yes. */
  readonly progress?: boolean;
  /** Called at the end of the run, for the names of the files with its reports. Default: none. */
  readonly listFiles?: (report: RunReport) => readonly string[];
  /** See `createProgress`. */
  readonly now?: () => number;
}

export function createPrettyReporter(output: Output, options: PrettyOptions = {}): Reporter {
  const { colour = output.isTerminal, listFiles = () => [], now } = options;
  const paint: Paint = (name, text) => (colour ? `\u001b[${COLOUR_CODES[name]}m${text}\u001b[0m` : text);
  const dim = (text: string): string => paint("dim", text);
  const progress =
    options.progress === false ? null : createProgress(output, { dim, ...(now === undefined ? {} : { now }) });
  return {
    handle(event: RunEvent) {
      switch (event.type) {
        case "run-start":
          progress?.start(event);
          output.write(renderStart(event, paint));
          return;
        case "check-start":
          progress?.checkStart(event.id);
          return;
        case "check-end":
          progress?.checkEnd(event.check);
          return;
        case "run-end":
          progress?.clear();
          output.write(renderReport(event.report, { paint, files: listFiles(event.report), output }));
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

interface RenderOptions {
  readonly paint: Paint;
  /** Names of the files with the reports. */
  readonly files: readonly string[];
  /** Where the text goes. */
  readonly output: Output;
}

/** The verdict is the last line, whatever there is to say. */
function renderReport(report: RunReport, options: RenderOptions): string {
  const { paint, files } = options;
  const shown = report.ending === "unidentified" ? [] : renderSections(report, options);
  const total = `${report.checks.length} check${report.checks.length === 1 ? "" : "s"} in ${(report.durationMs / 1000).toFixed(1)} s: ${renderCounts(report.counts)}`;
  const baseline = describeBaseline(report);
  const closing = [
    ...(report.ending === "complete" ? [total] : []),
    ...(baseline === null ? [] : [makePrintable(baseline)]),
    ...(files.length === 0 ? [] : [`Reports: ${files.join(", ")}`]),
    renderVerdict(report, paint),
  ];
  return `\n${[...shown, closing.join("\n")].join("\n\n")}\n`;
}

function describeVerdict(verdict: Standing): { readonly mark: string; readonly text: string; readonly colour: Colour } {
  return { mark: VERDICT_MARKS[verdict], text: VERDICT_TEXTS[verdict], colour: VERDICT_COLOURS[verdict] };
}

function renderVerdict(report: RunReport, paint: Paint): string {
  const { mark, text, colour } =
    report.ending === "interrupted"
      ? ({ mark: "?", text: "interrupted", colour: "yellow" } as const)
      : describeVerdict(resolveStanding(report));
  // Its last sentence and the exit code are one: "… no must check failed (exit 0)".
  const explanation = makePrintable(report.explanation).replace(/\.$/, "");
  return `${paint(colour, `${mark} ${text}`)}: ${explanation} (exit ${report.exitCode}${report.gate ? "" : ", --report-only"})`;
}

function renderSections(report: RunReport, { paint, output }: RenderOptions): string[] {
  const failures = selectFailures(report.checks);
  const others = report.checks.filter(({ outcome }) => outcome !== "pass" && outcome !== "fail" && outcome !== "warn");
  const width = Math.max(...report.areas.map(({ area }) => area.length), 0);
  const seen = new Set(report.checks.filter(({ reason }) => !isUntried(reason)).map(({ area }) => area));
  const shownAreas = report.areas.filter(({ area }) => report.ending !== "interrupted" || seen.has(area));
  const areas = shownAreas.map((shown) => {
    const { area, counts, expected } = shown;
    const { mark, text, colour } = describeVerdict(resolveStanding(shown));
    const [verdictMark, verdictText] = [paint(colour, mark), paint(colour, text.padEnd(14))];
    // Wrapped before it is painted: what paints has no width.
    const prefix = `  ${mark} ${area.padEnd(width)}  ${text.padEnd(14)}  `;
    const [first = "", ...rest] = wrapText(prefix + renderCounts(counts, expected), { output, indent: prefix.length });
    return [`  ${verdictMark} ${area.padEnd(width)}  ${verdictText}${first.slice(prefix.length - 2)}`, ...rest].join(
      "\n",
    );
  });
  const sections = [
    areas.join("\n"),
    ...groupByCause(failures).map((group) => renderFailure(group, paint)),
    renderExpected(report.checks, { paint, output }),
    renderProblems(report.baseline, { paint, output }),
    report.ending === "interrupted" ? "" : renderOrphans(report.checks, { paint, output }),
    // Of an interrupted run the checks that did not run are not listed.
    report.ending === "interrupted" ? "" : renderUnproved(others, paint, output),
  ];
  return sections.filter((section) => section !== "");
}

/** A line for each: what was expected and what came is in the other reports. */
function renderExpected(checks: readonly ReportedCheck[], { paint, output }: Omit<RenderOptions, "files">): string {
  const lines = checks.flatMap((check) => {
    const text = describeExpected(check);
    if (text === null) return [];
    const title = `~ ${check.outcome} ${check.id}`;
    const [first = "", ...rest] = wrapText(`${title} (${check.level}), ${makePrintable(text)}`, { output, indent: 4 });
    return [paint("dim", title) + first.slice(title.length), ...rest];
  });
  return lines.join("\n");
}

/** Each entry that is wrong, at its line of the file. */
function renderProblems(baseline: RunReport["baseline"], { paint, output }: Omit<RenderOptions, "files">): string {
  const { file, problems } = baseline ?? { file: null, problems: [] };
  const lines = problems.flatMap(({ id, line, message }) => {
    const title = `✗ baseline ${id}`;
    const place = file === null || line === null ? "" : ` (${file}:${line})`;
    const [first = "", ...rest] = wrapText(makePrintable(`${title}${place}: ${message}`), { output, indent: 4 });
    return [paint("red", title) + first.slice(title.length), ...rest];
  });
  return lines.join("\n");
}

/** A finding of its own: a contradiction, of the target or of the suite. */
function renderOrphans(checks: readonly ReportedCheck[], { paint, output }: Omit<RenderOptions, "files">): string {
  const orphans = checks.filter(({ isOrphan }) => isOrphan);
  if (orphans.length === 0) return "";
  const title = `? not accounted for (${orphans.length})`;
  const [first = "", ...rest] = wrapText(
    `${title}: these checks could not be judged, though the checks that judge what they need passed. The target answers differently from one request to the next, or the suite has a hole: please report it.`,
    { output, indent: 4 },
  );
  const entries = orphans
    .slice(0, IDS_SHOWN_MAX)
    .flatMap(({ id, owners }) => wrapText(`    ${id}, judged by ${owners.join(", ")}`, { output, indent: 8 }));
  const more = orphans.length > IDS_SHOWN_MAX ? [`    and ${orphans.length - IDS_SHOWN_MAX} more`] : [];
  return [paint("yellow", title) + first.slice(title.length), ...rest, ...entries, ...more].join("\n");
}

/** One entry per check, or per reason that several checks share. */
function renderUnproved(checks: readonly ReportedCheck[], paint: Paint, output: Output): string {
  const groups = new Map<string, ReportedCheck[]>();
  for (const check of checks) {
    const key = `${check.outcome} ${check.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), check]);
  }
  const entries = [...groups.values()].map((group) => {
    const { outcome = "", reason = "" } = group[0] ?? {};
    const named = nameChecks(group);
    const title = group.length === 1 ? `${outcome} ${named}` : `${outcome} (${group.length})`;
    const [first = "", ...rest] = wrapText(`${title}: ${makePrintable(reason)}`, { output, indent: 4 });
    const ids = group.length === 1 || isUntried(reason) ? [] : wrapText(`    ${named}`, { output, indent: 4 });
    return [paint("yellow", title) + first.slice(title.length), ...rest, ...ids].join("\n");
  });
  return entries.join("\n");
}

/** Of one reason; the files have all of them. */
const IDS_SHOWN_MAX = 12;

function nameChecks(group: readonly ReportedCheck[]): string {
  const shown = group.slice(0, IDS_SHOWN_MAX).map(({ id }) => id);
  const more = group.length - shown.length;
  return shown.join(", ") + (more === 0 ? "" : `, and ${more} more`);
}

/** The first check of a cause in full, and the names of the others. */
function renderFailure([check, ...others]: CauseGroup, paint: Paint): string {
  const flakiness = describeFlakiness(check);
  const isFail = check.outcome === "fail";
  const rows: readonly (readonly [string, string])[] = [
    ["requirement", check.requirement],
    ["observer", check.observer ?? "-"],
    ["expected", check.expected ?? "-"],
    ["got", check.actual ?? check.reason],
    ...(flakiness === null ? [] : [["flaky", flakiness] as const]),
    ...(others.length === 0 ? [] : [["same in", `${others.length} more: ${nameChecks(others)}`] as const]),
    ["reference", check.reference],
    ["breaks", check.breaks],
    ["reproduce", cutLine(check.curl ?? "-")],
  ];
  const title = paint(isFail ? "red" : "yellow", `${isFail ? "✗ fail" : "! warn"} ${check.id}`);
  const body = rows.map(([name, value]) => `    ${paint("dim", name.padEnd(11))}  ${makePrintable(value)}`);
  const also = others.length === 0 ? "" : ` and ${others.length} more of this cause`;
  return [`${title} (${check.level})${also}`, ...body].join("\n");
}

/** Characters of a line that repeats a request: a recording is no reading matter. */
const LINE_LENGTH_MAX = 3000;

function cutLine(line: string): string {
  if (line.length <= LINE_LENGTH_MAX) return line;
  return `${line.slice(0, LINE_LENGTH_MAX)}… # cut: the JSON report has all of it`;
}
