/** Counts what a running call has used, so that it can be paid for whenever and however it ends. */

import { NO_USAGE } from "../usage.ts";
import type { UsageUnits } from "../usage.ts";

export interface UsageMeter {
  /** Replaces what was reported before. */
  report(units: UsageUnits): void;
  readonly units: UsageUnits;
  /** When the first units were reported; null while nothing was produced. */
  readonly firstReportAtMs: number | null;
  /** Whether the last report is an estimate, in part at least: set by who reports. False at first. */
  isEstimated: boolean;
}

/** @param now milliseconds since the epoch. */
export function createUsageMeter(now: () => number): UsageMeter {
  let units = NO_USAGE;
  let firstReportAtMs: number | null = null;
  return {
    report(reported) {
      firstReportAtMs ??= now();
      units = reported;
    },
    isEstimated: false,
    get units() {
      return units;
    },
    get firstReportAtMs() {
      return firstReportAtMs;
    },
  };
}
