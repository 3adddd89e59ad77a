/** What a benchmark says: rows of ours beside a baseline, from interleaved rounds of one run. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeTarget, describeVerdict, meetsTarget } from "./target.ts";
import type { Target } from "./target.ts";

export interface Row {
  readonly name: string;
  /** Median over the rounds. */
  readonly ours: number;
  /** Median over the rounds. */
  readonly baseline: number;
  readonly baseline_name: string;
  /** Median of the ratios ours / baseline, round by round: it holds when the machine's speed drifts. */
  readonly ratio: number;
  readonly unit: string;
  readonly rounds: number;
  /** Only where there is one. */
  readonly target?: string;
  /** Only where there is a target. */
  readonly meets?: boolean;
}

export interface RowLabel {
  readonly name: string;
  readonly unit: string;
  readonly baselineName: string;
  readonly target?: Target;
}

export interface Pair {
  readonly ours: number;
  readonly baseline: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * @param sorted ascending.
 * @param share 0.5 for the median, 0.99 for p99.
 * @returns the nearest rank; NaN of nothing.
 */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** One row from the pairs of a measurement, one pair per round. */
export function summarise({ name, unit, baselineName, target }: RowLabel, pairs: readonly Pair[]): Row {
  const row = {
    name,
    ours: median(pairs.map((pair) => pair.ours)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    baseline_name: baselineName,
    ratio: median(pairs.map((pair) => pair.ours / pair.baseline)),
    unit,
    rounds: pairs.length,
  };
  if (target === undefined) return row;
  return { ...row, target: describeTarget(target, "ours : baseline"), meets: meetsTarget(target, row[target.of]) };
}

/** Three significant digits, and no fraction from 100 on. */
export function formatNumber(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function formatTable(rows: readonly Row[]): string {
  return alignColumns([
    ["measure", "ours", "baseline", "ours : baseline", "unit", "baseline is", "rounds", "target", ""],
    ...rows.map((row) => [
      row.name,
      formatNumber(row.ours),
      formatNumber(row.baseline),
      row.ratio.toFixed(2),
      row.unit,
      row.baseline_name,
      String(row.rounds),
      row.target ?? "",
      describeVerdict(row.meets ?? null),
    ]),
  ]);
}

export function alignColumns(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Writes `<directory>/<area>.json`. @param figures what JSON can hold. @returns the file's path. */
export async function writeResults(directory: string, area: string, figures: unknown): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${area}.json`);
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
  return file;
}
