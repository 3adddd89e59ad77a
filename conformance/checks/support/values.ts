/** Judgements on single values that several checks share. */

const YEAR_2000_SECONDS = 946_684_800;
const YEAR_2100_SECONDS = 4_102_444_800;

/** Between the years 2000 and 2100: milliseconds, zero and -1 are out. */
export function isUnixSeconds(value: number): boolean {
  return Number.isInteger(value) && value > YEAR_2000_SECONDS && value < YEAR_2100_SECONDS;
}

export const FINISH_REASONS: readonly unknown[] = ["stop", "length", "tool_calls", "content_filter", "function_call"];
