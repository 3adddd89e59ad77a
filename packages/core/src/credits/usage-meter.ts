/** Counts what a running call has used, so that it can be paid for whenever and however it ends. */

import { NO_USAGE } from "../usage.ts";
import type { UsageSource, UsageUnits } from "../usage.ts";

export interface UsageMeter {
  /** Replaces what was reported before. @param source default `measured` */
  report(units: UsageUnits, source?: UsageSource): void;
  readonly units: UsageUnits;
  /** When the first units were reported; null while nothing was produced. */
  readonly firstReportAtMs: number | null;
  /** Of the last report; null while there was none. */
  readonly source: UsageSource | null;
}

/** @param now milliseconds since the epoch. */
export function createUsageMeter(now: () => number): UsageMeter {
  let units = NO_USAGE;
  let source: UsageSource | null = null;
  let firstReportAtMs: number | null = null;
  return {
    report(reported, reportedBy = "measured") {
      firstReportAtMs ??= now();
      units = reported;
      source = reportedBy;
    },
    get source() {
      return source;
    },
    get units() {
      return units;
    },
    get firstReportAtMs() {
      return firstReportAtMs;
    },
  };
}
