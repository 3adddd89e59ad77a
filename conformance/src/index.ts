/** The suite as a library. */

export type { Area, Check, Level, Need, Tier } from "./check.ts";
export { allChecks } from "./all-checks.ts";
export { type Baseline, type BaselineEntry, readBaseline } from "./baseline.ts";
export {
  type ConformanceTarget,
  type ConformanceTestApi,
  type ConformanceTestContext,
  describeConformance,
  type DescribeConformanceOptions,
} from "./describe-conformance.ts";
export type { Verdict } from "./exit-code.ts";
export { EXIT_CODES, type FailOn } from "./exit-code.ts";
export { DEFAULT_LIMITS, type RunLimits } from "./limits.ts";
export { SDK_MAJORS, type SdkMajor } from "./official-sdk.ts";
export { type Outcome, OUTCOMES } from "./outcome.ts";
export { UnmatchedPatternError } from "./plan.ts";
export type { ReportedCheck, RunReport } from "./report.ts";
export { encodeJsonReport, type JsonReport } from "./report.ts";
export { ConfigurationError } from "./resolve-target.ts";
export { type ConformanceOptions, type RunEvent, runConformance } from "./run-conformance.ts";
