/** What is tolerated of a process: when it counts as hung and is killed, and how much it may say. */
export interface NativeProcessLimits {
  /** To load the model. Milliseconds, default 600,000. */
  readonly loadTimeMsMax?: number | undefined;
  /** Without an answer to a ping. Milliseconds, default 30,000. */
  readonly answerTimeMsMax?: number | undefined;
  /** To end a call after its abort. Milliseconds, default 60,000. */
  readonly abortTimeMsMax?: number | undefined;
  /** To exit when it is asked to. Milliseconds, default 10,000. */
  readonly exitTimeMsMax?: number | undefined;
  /** Warnings and errors of its native library that are passed on in a minute. Default 60. */
  readonly logLinesPerMinute?: number | undefined;
}

export type ResolvedProcessLimits = { readonly [Key in keyof NativeProcessLimits]-?: number };

export const NATIVE_PROCESS_LIMITS: ResolvedProcessLimits = {
  loadTimeMsMax: 600_000,
  answerTimeMsMax: 30_000,
  abortTimeMsMax: 60_000,
  exitTimeMsMax: 10_000,
  logLinesPerMinute: 60,
};

export function resolveProcessLimits(limits: NativeProcessLimits): ResolvedProcessLimits {
  const defaults = NATIVE_PROCESS_LIMITS;
  return {
    loadTimeMsMax: limits.loadTimeMsMax ?? defaults.loadTimeMsMax,
    answerTimeMsMax: limits.answerTimeMsMax ?? defaults.answerTimeMsMax,
    abortTimeMsMax: limits.abortTimeMsMax ?? defaults.abortTimeMsMax,
    exitTimeMsMax: limits.exitTimeMsMax ?? defaults.exitTimeMsMax,
    logLinesPerMinute: limits.logLinesPerMinute ?? defaults.logLinesPerMinute,
  };
}
