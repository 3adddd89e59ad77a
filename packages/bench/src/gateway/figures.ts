/** What is said of the gateway: which figure has which target, and how rounds become one figure. */

import { alignColumns, formatNumber, median } from "../measurement.ts";
import { describeTarget, describeVerdict, meetsTarget } from "../target.ts";
import type { Target } from "../target.ts";
import type { ContenderName } from "./contender.ts";
import type { Sample } from "./measures.ts";

/** One round: what each contender that took part was measured at. */
export type Round = Readonly<Partial<Record<ContenderName, Sample>>>;

interface FigureDefinition {
  /** Its name in the samples. */
  readonly key: string;
  readonly name: string;
  readonly unit: string;
  readonly target?: Target;
}

const ONE_SHOT = "non-streaming, many connections";
const STREAMS = "streams side by side";
const SLOW_STREAMS = "slow streams, opened within 1 s";

const FIGURES: readonly FigureDefinition[] = [
  { key: "jsonPerSecond", name: ONE_SHOT, unit: "requests/s", target: { of: "ratio", bound: "≥", value: 0.5 } },
  {
    key: "jsonCpuMs",
    name: `${ONE_SHOT}, gateway's CPU`,
    unit: "ms/request",
    target: { of: "ours", bound: "≤", value: 0.15 },
  },
  { key: "clientCpuMs", name: `${ONE_SHOT}, load client's CPU`, unit: "ms/request" },
  { key: "jsonP50Ms", name: `${ONE_SHOT}, p50`, unit: "ms" },
  { key: "jsonP99Ms", name: `${ONE_SHOT}, p99`, unit: "ms" },
  { key: "oneP50Ms", name: "non-streaming, one connection, p50", unit: "ms" },
  {
    key: "addedP50Ms",
    name: "non-streaming, one connection, p50 added to direct",
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 0.7 },
  },
  {
    key: "addedP99Ms",
    name: "non-streaming, one connection, p99 added to direct",
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 1 },
  },
  { key: "addedPacedP50Ms", name: "non-streaming, 100 requests/s, p50 added to direct", unit: "ms" },
  {
    key: "addedPacedP99Ms",
    name: "non-streaming, 100 requests/s, p99 added to direct",
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 1.5 },
  },
  { key: "eventsPerSecond", name: STREAMS, unit: "events/s", target: { of: "ratio", bound: "≥", value: 0.9 } },
  {
    key: "thousandEventsCpuMs",
    name: `${STREAMS}, gateway's CPU`,
    unit: "ms/1,000 events",
    target: { of: "ratio", bound: "≤", value: 1.3 },
  },
  {
    key: "slowWholePercent",
    name: `${SLOW_STREAMS}, whole`,
    unit: "% of streams",
    target: { of: "ours", bound: "≥", value: 100 },
  },
  {
    key: "slowEventCpuUs",
    name: `${SLOW_STREAMS}, gateway's CPU`,
    unit: "µs/event",
    target: { of: "ratio", bound: "≤", value: 1.2 },
  },
  {
    key: "slowFirstEventP99Ms",
    name: `${SLOW_STREAMS}, first event, p99`,
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 1000 },
  },
  { key: "firstEventP50Ms", name: "one stream at a time, first event, p50", unit: "ms" },
  {
    key: "closedPercent",
    name: "client disconnects, upstream is closed",
    unit: "% of streams",
    target: { of: "ours", bound: "≥", value: 100 },
  },
  {
    key: "closeP50Ms",
    name: "client disconnects, upstream is closed after, p50",
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 10 },
  },
  {
    key: "coldStartMs",
    name: "process start to first 200",
    unit: "ms",
    target: { of: "ours", bound: "≤", value: 700 },
  },
  {
    key: "memoryGrowth",
    name: "resident memory, second half : first half of requests",
    unit: "highest : highest",
    target: { of: "ours", bound: "≤", value: 1.1 },
  },
];

export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Medians over the rounds; null where it was not measured. */
  readonly direct: number | null;
  readonly bare: number | null;
  readonly ours: number | null;
  /** Median of ours : bare, round by round: it holds when the machine's speed drifts. */
  readonly ratio: number | null;
  readonly target: string | null;
  /** null without a target, or when ours was not measured. */
  readonly meets: boolean | null;
  readonly rounds: number;
}

/** Figures without a value in any round are left out. */
export function resolveFigures(rounds: readonly Round[]): Figure[] {
  return FIGURES.flatMap((definition) => {
    const { key, name, unit, target } = definition;
    const measured = rounds.filter((round) => Object.values(round).some((sample) => sample[key] !== undefined));
    if (measured.length === 0) return [];
    const values = {
      direct: medianOf(measured.map(({ direct }) => direct?.[key])),
      bare: medianOf(measured.map(({ bare }) => bare?.[key])),
      ours: medianOf(measured.map(({ ours }) => ours?.[key])),
      ratio: medianOf(measured.map(({ ours, bare }) => divide(ours?.[key], bare?.[key]))),
    };
    return [
      {
        name,
        unit,
        ...values,
        target: target === undefined ? null : describeTarget(target, "ours : bare"),
        meets: target === undefined ? null : judge(target, values[target.of]),
        rounds: measured.length,
      },
    ];
  });
}

function medianOf(values: readonly (number | undefined)[]): number | null {
  const present = values.filter((value) => value !== undefined);
  return present.length === 0 ? null : median(present);
}

function divide(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : above / below;
}

function judge(target: Target, value: number | null): boolean | null {
  return value === null ? null : meetsTarget(target, value);
}

export function formatFigures(figures: readonly Figure[]): string {
  const cell = (value: number | null) => (value === null ? "" : formatNumber(value));
  return alignColumns([
    ["measure", "unit", "direct", "bare", "ours", "ours : bare", "target", "", "rounds"],
    ...figures.map((figure) => [
      figure.name,
      figure.unit,
      cell(figure.direct),
      cell(figure.bare),
      cell(figure.ours),
      figure.ratio === null ? "" : figure.ratio.toFixed(2),
      figure.target ?? "",
      describeVerdict(figure.meets),
      String(figure.rounds),
    ]),
  ]);
}
