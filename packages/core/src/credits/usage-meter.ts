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
  return new Meter(now);
}

/** A class, as one is made for each call: an object literal with getters takes V8 twenty times as long. */
class Meter implements UsageMeter {
  units: UsageUnits = NO_USAGE;
  source: UsageSource | null = null;
  firstReportAtMs: number | null = null;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  report(units: UsageUnits, source: UsageSource = "measured"): void {
    this.firstReportAtMs ??= this.#now();
    this.units = units;
    this.source = source;
  }
}
