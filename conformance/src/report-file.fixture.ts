/** JSON reports as a run writes them, for the tests of what reads them. */

import type { ReadCheck } from "./read-report.ts";
import { encodeJsonReport, type JsonReport } from "./report.ts";
import { sampleReport } from "./sample-report.fixture.ts";

export type SampleOutcomes = Readonly<Record<string, ReadCheck["outcome"]>>;

/** @param outcomes by id; what is not a pass has a reason */
export function sampleJson(outcomes: SampleOutcomes, overrides: Partial<JsonReport> = {}): JsonReport {
  const report = encodeJsonReport(sampleReport);
  const [first] = report.checks;
  if (first === undefined) throw new Error("the sample has no checks");
  const checks = Object.entries(outcomes).map(([id, outcome]) => ({
    ...first,
    id,
    outcome,
    reason: outcome === "pass" ? "" : `${id} is ${outcome}`,
  }));
  return { ...report, checks, ...overrides };
}
