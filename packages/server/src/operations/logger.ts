/**
 * Structured log lines: one JSON object a line, or a line for people, written off the event loop. Callers choose the
 * fields one by one and give it no token, no prompt and no key; what bears such a name all the same is struck out here.
 */

import { pino, stdTimeFunctions } from "pino";
import { createLineWriter } from "./line-writer.ts";
import type { LogLevel } from "./log-level.ts";
import { encodePrettyLine } from "./pretty-line.ts";

export type { LogLevel } from "./log-level.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;
type WriteLine = (message: string, fields?: LogFields) => void;

export interface Logger {
  readonly debug: WriteLine;
  readonly info: WriteLine;
  readonly warn: WriteLine;
  readonly error: WriteLine;
}

export interface LoggerOptions {
  /** The least level that is written. */
  readonly level: LogLevel;
  /** Default `json`. */
  readonly format?: "json" | "pretty";
  /** Whether the pretty format has colours. Default: no. */
  readonly colour?: boolean;
  /** Descriptor of an open file to append to. Default: standard error. */
  readonly descriptor?: number;
  /**
   * Called with each line and its line break, in place of writing it. What is written is flushed when the process ends.
   */
  readonly write?: (line: string) => void;
}

/** The second net, below callers that know better. */
const SECRET_FIELDS = [
  "apiKey",
  "authorization",
  "content",
  "input",
  "jwt",
  "key",
  "messages",
  "password",
  "prompt",
  "secret",
  "token",
];

const STANDARD_ERROR = 2;

export function createLogger(options: LoggerOptions): Logger {
  const { format = "json", colour = false } = options;
  const writeLine = options.write ?? createLineWriter(options.descriptor ?? STANDARD_ERROR);
  const write = format === "json" ? writeLine : (line: string) => writeLine(encodePrettyLine(line, colour));
  const lines = pino(
    {
      level: options.level,
      base: null,
      messageKey: "message",
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS, censor: "[redacted]" },
    },
    { write },
  );
  const lineOf =
    (level: Exclude<LogLevel, "silent">): WriteLine =>
    (message, fields = {}) =>
      lines[level](fields, message);
  return { debug: lineOf("debug"), info: lineOf("info"), warn: lineOf("warn"), error: lineOf("error") };
}
