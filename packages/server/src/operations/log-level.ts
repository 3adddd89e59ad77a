/** The levels of the log, in a module of their own so that reading the settings loads no logger. */

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
