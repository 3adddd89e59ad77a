/** From `--reporter NAME[:FILE]` to a reporter and the place it writes to. */

import { writeFileSync } from "node:fs";
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
}

export const DEFAULT_REPORTERS = ["pretty", "json:report.json", "junit:junit.xml"] as const;

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
      `"${text}" is no reporter: use NAME or NAME:FILE with one of ${REPORTER_NAMES.join(", ")}.`,
    );
  }
  return { name, file: colon === -1 ? DEFAULT_FILES[name] : text.slice(colon + 1) };
}

/** A file is emptied at once, so that one that can't be written stops the run before it starts. @throws ConfigurationError */
export function createReporter({ name, file }: ReporterChoice, terminal: Output, colour: boolean): Reporter {
  const output = file === null ? terminal : openFile(file);
  switch (name) {
    case "pretty":
      return createPrettyReporter(output, { colour: colour && file === null });
    case "json":
      return createJsonReporter(output);
    case "junit":
      return createJunitReporter(output);
    default:
      return name satisfies never;
  }
}

function openFile(file: string): Output {
  let text = "";
  const save = (): void => {
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw new ConfigurationError(`The report ${file} can't be written: ${String(error)}`, { cause: error });
    }
  };
  save();
  return {
    isTerminal: false,
    write(more) {
      text += more;
      save();
    },
  };
}
