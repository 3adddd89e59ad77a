/** From the `--reporter NAME[:FILE]`s of a run to one reporter, and the places it writes to. */

import { accessSync, constants, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { RunReport } from "../report.ts";
import { ConfigurationError } from "../resolve-target.ts";
import { createJsonReporter } from "./json.ts";
import { createJunitReporter } from "./junit.ts";
import { createPrettyReporter } from "./pretty.ts";
import type { Output, Reporter } from "./reporter.ts";

export const REPORTER_NAMES = ["pretty", "json", "junit"] as const;
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
  if (isNamed || (report.ending === "complete" && report.suite.profile === "full")) return name;
  const { name: stem, ext } = path.parse(name);
  return `${stem}.partial${ext}`;
}

/**
 * Files are written before the terminal's last line. One that can't be written stops the run before it starts.
 *
 * @param colour whether the terminal gets colours
 * @throws ConfigurationError
 */
export function createReporter(choices: readonly ReporterChoice[], terminal: Output, colour: boolean): Reporter {
  const inFiles = choices.filter(({ file }) => file !== null);
  const listFiles = (report: RunReport): readonly string[] => inFiles.map((choice) => nameFile(choice, report));
  const reporters = [
    ...inFiles.map(createFileReporter),
    ...choices.filter(({ file }) => file === null).map(() => createPrettyReporter(terminal, { colour, listFiles })),
  ];
  return {
    handle(event) {
      for (const reporter of reporters) reporter.handle(event);
    },
  };
}

function createFileReporter(choice: ReporterChoice): Reporter {
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
  const reporter = createReporterOf(choice.name, { isTerminal: false, write });
  return {
    handle(event) {
      if (event.type === "run-end") file = nameFile(choice, event.report);
      reporter.handle(event);
    },
  };
}

function createReporterOf(name: ReporterName, output: Output): Reporter {
  switch (name) {
    case "pretty":
      return createPrettyReporter(output, { progress: false });
    case "json":
      return createJsonReporter(output);
    case "junit":
      return createJunitReporter(output);
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
