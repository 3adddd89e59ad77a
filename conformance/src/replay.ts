/**
 * Runs one check of a JSON report again, against the target of that report, and says whether it ends as it did. Keys are
 * in no report: they come from whoever asks.
 */

import { findClosestName } from "./closest-name.ts";
import { SDK_MAJORS, type SdkMajor } from "./official-sdk.ts";
import type { ReadCheck, ReadReport } from "./read-report.ts";
import type { ReportedCheck } from "./report.ts";
import { makePrintable } from "./reporters/report-texts.ts";
import { ConfigurationError } from "./resolve-target.ts";

/**
 * @param ids of the suite
 * @throws ConfigurationError where the report or the suite has no such check
 */
export function findReplayed({ file, suite, checks }: ReadReport, id: string, ids: readonly string[]): ReadCheck {
  const found = checks.get(id);
  if (found === undefined) {
    const closest = findClosestName(id, [...checks.keys()]);
    const guess = closest === null ? "" : ` Did you mean ${makePrintable(closest)}?`;
    throw new ConfigurationError(`The report ${file} has no check ${JSON.stringify(id)}.${guess}`);
  }
  if (!ids.includes(id)) {
    throw new ConfigurationError(
      `This suite has no check ${JSON.stringify(id)}: the report is of its version ${makePrintable(suite.version)}.`,
    );
  }
  return found;
}

/** The major of the official SDK that the report's checks called; undefined for one that this suite does not have. */
export function findSdkMajor({ suite }: ReadReport): SdkMajor | undefined {
  return SDK_MAJORS.find((major) => String(major) === suite.sdk_version.split(".", 1)[0]);
}

/** Whether the check ended as in the report, in a line. */
export function describeReplay(before: ReadCheck, after: ReportedCheck): string {
  const { outcome, reason } = after;
  if (outcome !== before.outcome) {
    return `Not as in the report: ${describeOutcome(before)} there, ${describeOutcome({ outcome, reason })} now.`;
  }
  if (reason === before.reason) return `As in the report: ${describeOutcome({ outcome, reason })}.`;
  return `As in the report: ${outcome}, with another reason. In the report: ${cutText(before.reason)}`;
}

function describeOutcome({ outcome, reason }: Pick<ReadCheck, "outcome" | "reason">): string {
  return reason === "" ? outcome : `${outcome} (${cutText(reason)})`;
}

const REASON_LENGTH_MAX = 300;

function cutText(text: string): string {
  const line = makePrintable(text);
  return line.length > REASON_LENGTH_MAX ? `${line.slice(0, REASON_LENGTH_MAX)}…` : line;
}
