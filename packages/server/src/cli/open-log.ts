/** The logger of a server that was started from the command line: where it writes, and in which format. */

import { openSync } from "node:fs";
import { describeThrown } from "../describe-thrown.ts";
import { ConfigError } from "../config-error.ts";
import type { Config } from "../config.ts";
import { createLogger } from "../operations/logger.ts";
import type { Logger } from "../operations/logger.ts";

export interface LogSurroundings {
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type LogConfig = Pick<Config, "logFile" | "logFormat" | "logLevel">;

/** @throws ConfigError when the file can't be written. */
export function openLog(config: LogConfig, surroundings: LogSurroundings): Logger {
  const { logFile, logLevel: level } = config;
  const isTerminal = logFile === null && surroundings.isTerminal;
  const colour = isTerminal && (surroundings.environment["NO_COLOR"] ?? "") === "";
  const auto = isTerminal ? "pretty" : "json";
  const format = config.logFormat === "auto" ? auto : config.logFormat;
  return createLogger({ level, format, colour, ...(logFile === null ? {} : { descriptor: openFile(logFile) }) });
}

/** Paths and ids of accounts are for the owner only. */
const FOR_OWNER = 0o600;

function openFile(path: string): number {
  try {
    return openSync(path, "a", FOR_OWNER);
  } catch (thrown) {
    throw new ConfigError(`The log file can't be written: ${describeThrown(thrown)}`);
  }
}
