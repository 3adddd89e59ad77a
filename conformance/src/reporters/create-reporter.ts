/** From the `--reporter NAME[:FILE]`s of a run to one reporter, and the places it writes to. */

import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RunReport } from "../report.ts";
import { ConfigurationError } from "../resolve-target.ts";
import { createBadgeReporter } from "./badge.ts";
import { createGithubReporter } from "./github.ts";
import { createHtmlReporter } from "./html.ts";
import { createJsonReporter } from "./json.ts";
import { createJunitReporter } from "./junit.ts";
import { createMarkdownReporter } from "./markdown.ts";
import { createPrettyReporter } from "./pretty.ts";
import type { Output, Reporter } from "./reporter.ts";
import { createSarifReporter } from "./sarif.ts";
import { createTapReporter } from "./tap.ts";

export const REPORTER_NAMES = [
  "pretty",
  "json",
  "junit",
  "tap",
  "sarif",
  "github",
  "markdown",
  "html",
  "badge",
] as const;
export type ReporterName = (typeof REPORTER_NAMES)[number];

export interface ReporterChoice {
  readonly name: ReporterName;
  /** Null for the terminal. */
  readonly file: string | null;
  /** Whether the caller named the file: then it is written whatever the run comes to. */
  readonly isNamed: boolean;
}

export const DEFAULT_REPORTERS = ["pretty", "json", "junit"] as const;

const DEFAULT_FILES: Readonly<Record<ReporterName, string | null>> = {
  pretty: null,
  json: "report.json",
  junit: "junit.xml",
  tap: "report.tap",
  sarif: "report.sarif",
  github: null,
  markdown: "report.md",
  html: "report.html",
  badge: "badge.svg",
};

/** @throws ConfigurationError */
export function decodeReporterChoice(text: string): ReporterChoice {
  const colon = text.indexOf(":");
  const given = colon === -1 ? text : text.slice(0, colon);
  const name = REPORTER_NAMES.find((candidate) => candidate === given);
  if (name === undefined || colon === text.length - 1) {
    throw new ConfigurationError(
      `"${text}" is not a reporter: use NAME or NAME:FILE with one of ${REPORTER_NAMES.join(", ")}.`,
    );
  }
  return colon === -1
    ? { name, file: DEFAULT_FILES[name], isNamed: false }
    : { name, file: text.slice(colon + 1), isNamed: true };
}

/** Whole runs and others have files of their own, so that trying one check does not replace the report of all. */
function nameFile({ file, isNamed }: ReporterChoice, report: RunReport): string {
  const name = file ?? "";
  if (isNamed || (report.ending === "complete" && report.suite.profile !== "selection")) return name;
  const { name: stem, ext } = path.parse(name);
  return `${stem}.partial${ext}`;
}

export interface ReporterOptions {
  readonly terminal: Output;
  /** Whether the terminal gets colours. */
  readonly colour: boolean;
  /** File of the job's summary on GitHub Actions (`GITHUB_STEP_SUMMARY`); null outside of it. */
  readonly summaryFile: string | null;
}

/**
 * Files are written before the terminal's last line. One that can't be written stops the run before it starts.
 *
 * @throws ConfigurationError
 */
export function createReporter(choices: readonly ReporterChoice[], options: ReporterOptions): Reporter {
  const inFiles = choices.filter(({ file }) => file !== null);
  const onTerminal = choices.filter(({ file }) => file === null);
  const listFiles = (report: RunReport): readonly string[] => inFiles.map((choice) => nameFile(choice, report));
  const { terminal, colour } = options;
  const reporters = [
    ...inFiles.map((choice) => createFileReporter(choice, options)),
    ...onTerminal
      .filter(({ name }) => name === "pretty")
      .map(() => createPrettyReporter(terminal, { colour, listFiles })),
    // It opens and closes what others print.
    ...onTerminal.filter(({ name }) => name === "github").map(() => createGithubReporter(terminal, options)),
  ];
  return {
    handle(event) {
      for (const reporter of event.type === "run-start" ? reporters.toReversed() : reporters) reporter.handle(event);
    },
  };
}

function createFileReporter(choice: ReporterChoice, options: ReporterOptions): Reporter {
  let file = choice.file ?? "";
  let text = "";
  const save = (): void => {
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw new ConfigurationError(`The report ${file} can't be written: ${String(error)}`, { cause: error });
    }
  };
  if (choice.isNamed) save();
  else checkIsWritable(file);
  const write = (more: string): void => {
    text += more;
    save();
  };
  const reporter = createReporterOf(choice, { isTerminal: false, write }, options);
  return {
    handle(event) {
      if (event.type === "run-end") file = nameFile(choice, event.report);
      reporter.handle(event);
    },
  };
}

function createReporterOf(choice: ReporterChoice, output: Output, options: ReporterOptions): Reporter {
  const { name, file } = choice;
  switch (name) {
    case "pretty":
      return createPrettyReporter(output, { progress: false });
    case "json":
      return createJsonReporter(output);
    case "junit":
      return createJunitReporter(output);
    case "tap":
      return createTapReporter(output);
    case "sarif":
      return createSarifReporter(output);
    case "github":
      return createGithubReporter(output, options);
    case "markdown":
      return createMarkdownReporter(output);
    case "html":
      return createHtmlReporter(output);
    case "badge":
      return createBadgeReporter(output, file?.endsWith(".json") === true ? "json" : "svg");
    default:
      return name satisfies never;
  }
}

/** It leaves what is there as it is. */
function checkIsWritable(file: string): void {
  try {
    accessSync(existsSync(file) ? file : path.dirname(file), constants.W_OK);
  } catch (error) {
    throw new ConfigurationError(`The report ${file} can't be written: ${String(error)}`, { cause: error });
  }
}
