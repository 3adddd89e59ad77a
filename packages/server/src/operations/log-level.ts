/** The levels and formats of the log, in a module of their own so that reading the settings loads no logger. */

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** auto: pretty where standard error is a terminal, else JSON. */
export const LOG_FORMATS = ["auto", "json", "pretty"] as const;
