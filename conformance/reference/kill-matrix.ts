/** Runs the reference and its mutants against the suite and works out who killed whom. It prints and writes nothing. */

import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import { markOrphans } from "../src/orphans.ts";
import { accountFor, type CheckResult } from "../src/outcome.ts";
import { judgeWire, type JudgeLimits, listKillers } from "./judge.ts";
import { applyMutant, type Mutant } from "./mutants/mutant.ts";
import { defineReferenceWire } from "./wire.ts";

/**
 * Checks that send a table of requests, or look at all of an answer. A hundred defects concern each of them, and it is
 * proved by the generated faults (`generated/run-generated.ts`): no written mutant is meant for it, and none is judged
 * by it.
 */
const TABLES = /^errors\.(?:types|legal)\.|\.invariants\./;

export function isTableCheck({ id }: Pick<Check, "id">): boolean {
  return TABLES.test(id);
}

/** The checks that written mutants are for. */
export const narrowChecks: readonly Check[] = checks.filter((check) => !isTableCheck(check));

/** `mutants.json`. */
export interface KillMatrix {
  readonly mutants: readonly MutantVerdict[];
  /** Mutants that an intended check did not kill. */
  readonly survivors: readonly string[];
  /** Checks that objected to a defect that is not theirs. */
  readonly false_blame: readonly { readonly mutant: string; readonly check: string }[];
  /** Checks that no mutant made fail. */
  readonly unkilled_checks: readonly string[];
  /** Checks that stepped aside for a defect to which none of their owners objected. */
  readonly orphans: readonly { readonly mutant: string; readonly check: string }[];
}

export interface MutantVerdict {
  readonly id: string;
  readonly intended: readonly string[];
  readonly killed_by: readonly string[];
  /** See `orphans` of the matrix. */
  readonly orphans: readonly string[];
}

export interface MatrixOptions {
  readonly mutants: readonly Mutant[];
  /** Wires that are judged at the same time. */
  readonly parallel: number;
  /** The checks that judge a mutant. Default: all. */
  readonly select?: (mutant: Mutant) => readonly Check[];
  readonly limits?: JudgeLimits;
  readonly onVerdict?: (verdict: MutantVerdict, done: number) => void;
}

/** Judges each mutant by the selected checks. */
export async function runKillMatrix(options: MatrixOptions): Promise<KillMatrix> {
  const { select = () => narrowChecks, limits } = options;
  const verdicts: MutantVerdict[] = [];
  const queue = options.mutants.values();
  const work = async (): Promise<void> => {
    for (const mutant of queue) {
      const verdict = await judgeMutant(mutant, select(mutant), limits);
      verdicts.push(verdict);
      options.onVerdict?.(verdict, verdicts.length);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, work));
  return summariseKills(
    verdicts.toSorted((one, other) => (one.id < other.id ? -1 : 1)),
    narrowChecks.map((check) => check.id),
  );
}

export async function judgeMutant(
  mutant: Mutant,
  selected: readonly Check[],
  limits?: JudgeLimits,
): Promise<MutantVerdict> {
  const wire = applyMutant(defineReferenceWire(), mutant);
  const results = await judgeWire(wire, { checks: selected, ...(limits === undefined ? {} : { limits }) });
  return { id: mutant.id, intended: mutant.intended, killed_by: listKillers(results), orphans: listOrphans(results) };
}

/**
 * A narrow check that was not selected can't tell the mutant from the reference server, which it passes. Of the others
 * nothing is known.
 */
function listOrphans(results: readonly CheckResult[]): readonly string[] {
  const judged = new Set(results.map(({ check }) => check.id));
  const others = narrowChecks.filter(({ id }) => !judged.has(id)).map((check) => accountFor(check, "pass", ""));
  return markOrphans([...results, ...others]).flatMap(({ check, isOrphan }) => (isOrphan ? [check.id] : []));
}

export function summariseKills(verdicts: readonly MutantVerdict[], checkIds: readonly string[]): KillMatrix {
  const killers = new Set(verdicts.flatMap((verdict) => verdict.killed_by));
  return {
    mutants: verdicts,
    survivors: verdicts.filter((mutant) => !isKilled(mutant)).map(({ id }) => id),
    false_blame: verdicts.flatMap((mutant) =>
      mutant.killed_by
        .filter((check) => !mutant.intended.includes(check))
        .map((check) => ({ mutant: mutant.id, check })),
    ),
    unkilled_checks: checkIds.filter((id) => !killers.has(id)),
    orphans: verdicts.flatMap(({ id, orphans }) => orphans.map((check) => ({ mutant: id, check }))),
  };
}

export function isSound(matrix: KillMatrix): boolean {
  const { survivors, false_blame: blame, unkilled_checks: unkilled, orphans } = matrix;
  return survivors.length + blame.length + unkilled.length + orphans.length === 0;
}

/** Results of the reference that are not a pass: there must be none. */
export async function findReferenceFaults(options: { limits?: JudgeLimits } = {}): Promise<readonly CheckResult[]> {
  const results = await judgeWire(defineReferenceWire(), options);
  return results.filter(({ outcome }) => outcome !== "pass");
}

function isKilled(mutant: MutantVerdict): boolean {
  return mutant.intended.length > 0 && mutant.intended.every((check) => mutant.killed_by.includes(check));
}
