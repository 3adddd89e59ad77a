/**
 * Structured log lines: one JSON object a line on a stream. It writes what it is given, so callers give it no token, no
 * prompt and no key.
 */

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

type LogFields = Readonly<Record<string, string | number | boolean | null>>;
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
  /** Gets each line with its line break. Default: standard error. */
  readonly write?: (line: string) => void;
}

export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const least = LOG_LEVELS.indexOf(options.level);
  const lineOf =
    (level: LogLevel): WriteLine =>
    (message, fields = {}) => {
      if (LOG_LEVELS.indexOf(level) < least) return;
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
    };
  return { debug: lineOf("debug"), info: lineOf("info"), warn: lineOf("warn"), error: lineOf("error") };
}
