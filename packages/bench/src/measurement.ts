/** What a benchmark says: rows of ours beside a baseline, from interleaved rounds of one run. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

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

/** One row from the pairs of a measurement, one pair per round. */
export function summarise(
  label: { readonly name: string; readonly unit: string; readonly baselineName: string },
  pairs: readonly Pair[],
): Row {
  return {
    name: label.name,
    ours: median(pairs.map((pair) => pair.ours)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    baseline_name: label.baselineName,
    ratio: median(pairs.map((pair) => pair.ours / pair.baseline)),
    unit: label.unit,
    rounds: pairs.length,
  };
}

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export function formatTable(rows: readonly Row[]): string {
  const cells = [
    ["measure", "ours", "baseline", "ours : baseline", "unit", "baseline is", "rounds"],
    ...rows.map((row) => [
      row.name,
      number(row.ours),
      number(row.baseline),
      row.ratio.toFixed(2),
      row.unit,
      row.baseline_name,
      String(row.rounds),
    ]),
  ];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0))) ?? [];
  return cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")).join("\n");
}

/** Writes `<directory>/<area>.json`. @returns the file's path. */
export async function writeResults(directory: string, area: string, rows: readonly Row[]): Promise<string> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${area}.json`);
  await writeFile(file, `${JSON.stringify(rows, null, 2)}\n`);
  return file;
}
