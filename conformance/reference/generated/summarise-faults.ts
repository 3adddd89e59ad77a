/** Works out which faults survived, which of them may, and the rates by operation and operator. It prints nothing. */

import { type Exclusion, LEGAL_VARIATIONS } from "../legal-variations.ts";
import { type Fault, OPERATION_NAMES, type Variation } from "./fault.ts";
import type { FaultVerdict } from "./judge-fault.ts";
import { STANDING_OBJECTIONS } from "./legal.ts";

export interface Rate {
  readonly name: string;
  readonly faults: number;
  readonly killed: number;
  /** Survivors that the reviewed list names. */
  readonly excluded: number;
}

/** `mutants-generated.json`. */
export interface FaultSummary {
  readonly total: Rate;
  readonly by_operation: readonly Rate[];
  readonly by_operator: readonly Rate[];
  readonly survivors: readonly (FaultVerdict & { readonly description: string })[];
  readonly excluded: readonly { readonly id: string; readonly reason: string }[];
  readonly killed: readonly { readonly id: string; readonly by: string }[];
  /** Patterns of the list that no survivor fits; empty for a part of the faults. */
  readonly unused_exclusions: readonly string[];
  /** Table checks that noticed no fault; empty for a part of the faults. */
  readonly unkilling_checks: readonly string[];
  readonly legal_variations: number;
  /** Legal variations to which checks objected. */
  readonly false_blame: readonly { readonly variation: string; readonly check: string }[];
  /** Legal variations that kept checks from judging. */
  readonly lost_verdicts: readonly { readonly variation: string; readonly check: string; readonly reason: string }[];
}

interface Judged {
  readonly fault: Fault;
  readonly verdict: FaultVerdict;
  readonly exclusion: Exclusion | undefined;
}

export interface JudgedFaults {
  readonly faults: readonly Fault[];
  readonly variations: readonly Variation[];
  /** Whether these are all that can be generated. */
  readonly isWhole: boolean;
  /** Table checks that noticed nothing, tried alone; default none. */
  readonly unkilling?: readonly string[];
  /** Default: the reviewed list. */
  readonly exclusions?: readonly Exclusion[];
}

export function summariseFaults(
  { faults, variations, isWhole, unkilling = [], exclusions = LEGAL_VARIATIONS }: JudgedFaults,
  verdicts: readonly FaultVerdict[],
): FaultSummary {
  const known = new Map(verdicts.map((verdict) => [verdict.id, verdict]));
  const matchers = exclusions.map((exclusion) => ({ exclusion, matches: toMatcher(exclusion.pattern) }));
  const judged = faults.flatMap((fault): readonly Judged[] => {
    const verdict = known.get(fault.id);
    if (verdict === undefined) return [];
    const survived = verdict.killed_by.length === 0;
    const matcher = survived ? matchers.find(({ matches }) => matches(fault.id)) : undefined;
    return [{ fault, verdict, exclusion: matcher?.exclusion }];
  });
  const used = new Set(judged.map(({ exclusion }) => exclusion?.pattern));
  return {
    total: rate("all", judged),
    by_operation: rateBy(judged, ({ fault }) => `${nameOf(fault)} ${fault.mode}`),
    by_operator: rateBy(judged, ({ fault }) => fault.operator),
    survivors: judged
      .filter(({ verdict, exclusion }) => verdict.killed_by.length === 0 && exclusion === undefined)
      .map(({ fault, verdict }) => ({ ...verdict, description: fault.description })),
    excluded: judged.flatMap(({ fault, exclusion }) =>
      exclusion === undefined ? [] : [{ id: fault.id, reason: exclusion.reason }],
    ),
    killed: judged.flatMap(({ verdict }) => {
      const [by] = verdict.killed_by;
      return by === undefined ? [] : [{ id: verdict.id, by }];
    }),
    unused_exclusions: isWhole ? exclusions.map(({ pattern }) => pattern).filter((pattern) => !used.has(pattern)) : [],
    unkilling_checks: unkilling,
    ...summariseVariations(variations, known),
  };
}

function summariseVariations(
  variations: readonly Variation[],
  verdicts: ReadonlyMap<string, FaultVerdict>,
): Pick<FaultSummary, "legal_variations" | "false_blame" | "lost_verdicts"> {
  const known = variations.flatMap(({ id }) => verdicts.get(id) ?? []);
  return {
    legal_variations: known.length,
    false_blame: known.flatMap(({ id, killed_by: blaming }) =>
      blaming
        .filter((check) => STANDING_OBJECTIONS[id]?.includes(check) !== true)
        .map((check) => ({ variation: id, check })),
    ),
    lost_verdicts: known.flatMap(({ id, stood_aside: aside }) =>
      aside.map(({ check, reason }) => ({ variation: id, check, reason })),
    ),
  };
}

/** Of the faults that nobody has excluded. */
const KILLED_RATE_LEAST = 0.98;

/** Whether enough was killed, nothing legal was blamed, each check notices something, and the list needs all it holds. */
export function isConvincing(summary: FaultSummary): boolean {
  const { total, unused_exclusions: unused, false_blame: blame, unkilling_checks: unkilling } = summary;
  const isKilled = total.killed >= KILLED_RATE_LEAST * (total.faults - total.excluded);
  return isKilled && unused.length + blame.length + unkilling.length === 0;
}

function nameOf({ operation }: Fault): string {
  return operation === null ? "realtime" : OPERATION_NAMES[operation];
}

function toMatcher(pattern: string): (id: string) => boolean {
  const source = pattern.split("*").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${source.join(".*")}$`, "s");
  return (id) => expression.test(id);
}

function rateBy(judged: readonly Judged[], keyOf: (one: Judged) => string): readonly Rate[] {
  return [...Map.groupBy(judged, keyOf)]
    .map(([name, group]) => rate(name, group))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function rate(name: string, judged: readonly Judged[]): Rate {
  return {
    name,
    faults: judged.length,
    killed: judged.filter(({ verdict }) => verdict.killed_by.length > 0).length,
    excluded: judged.filter(({ exclusion }) => exclusion !== undefined).length,
  };
}

export function formatRates(summary: FaultSummary): string {
  const rates = [...summary.by_operator, ...summary.by_operation, summary.total];
  return [
    ...summary.survivors.map(({ id }) => `survivor: ${id}`),
    ...summary.unused_exclusions.map((pattern) => `excludes nothing: ${pattern}`),
    ...summary.unkilling_checks.map((id) => `unkilling check: ${id}`),
    ...summary.false_blame.map(({ variation, check }) => `false blame: ${check} objected to ${variation}`),
    ...summary.lost_verdicts.map(({ variation, check, reason }) => `no verdict: ${check} on ${variation}: ${reason}`),
    ...rates.map(formatRate),
    `${summary.legal_variations} legal variations, ${summary.false_blame.length} objections`,
  ].join("\n");
}

function formatRate({ name, faults, killed, excluded }: Rate): string {
  const counted = faults - excluded;
  const percent = counted === 0 ? "–" : `${((100 * killed) / counted).toFixed(1)} %`;
  const rest = excluded === 0 ? "" : `, ${excluded} excluded`;
  return `  ${name.padEnd(32)} ${`${killed} of ${counted}`.padStart(14)} ${percent.padStart(8)}${rest}`;
}
