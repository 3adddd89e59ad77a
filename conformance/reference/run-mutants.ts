/**
 * `pnpm mutants [PATTERN] [--all]`: shows that the reference passes every check, that each mutant is killed by its
 * intended checks and no other, and that each check kills a mutant. A mutant is judged by the checks to which it can
 * make a difference (`select-checks.ts`); with `--all` by every check. Writes `mutants.json`, and in `coverage.json` which checks
 * exercise what the specification documents; exits 1 unless all of it
 * holds. A pattern runs only the mutants whose id contains it, and writes nothing. `--generated [--sample N]` judges
 * generated faults instead (`generated/run-generated.ts`).
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { checks } from "../checks/index.ts";
import { renderCoverage, summariseCoverage } from "./coverage.ts";
import { isSound, type KillMatrix, type MutantVerdict, narrowChecks, summariseKills } from "./kill-matrix.ts";
import type { Mutant } from "./mutants/mutant.ts";
import { mutants } from "./mutants/index.ts";
import type { MutantTask } from "./mutants-worker.ts";
import { runGenerated } from "./generated/run-generated.ts";
import { type CheckRecord, recordChecks } from "./record-calls.ts";
import { selectChecks } from "./select-checks.ts";

/** Wires at once in a thread, which serves, asks and judges: more only helps while wires wait. */
const PARALLEL = 10;
/** More threads than this have too little to do. */
const THREADS_MAX = 8;
const REPORT_FILE = "mutants.json";
const COVERAGE_FILE = "coverage.json";

const { values, positionals } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    generated: { type: "boolean", default: false },
    sample: { type: "string" },
  },
  allowPositionals: true,
});
const [pattern = ""] = positionals;
const selected = mutants.filter((mutant) => mutant.id.includes(pattern));
if (values.generated) {
  const sample = values.sample === undefined ? undefined : Number(values.sample);
  process.exitCode = await runGenerated({ patterns: positionals, sample });
} else process.exitCode = selected.length === 0 ? 2 : await main();

async function main(): Promise<number> {
  const startedAt = performance.now();
  const threads = startThreads();
  const records = await recordChecks(checks);
  const faults = records.filter(({ result }) => result.outcome !== "pass");
  for (const { result } of faults) print(`reference: ${result.outcome} ${result.check.id}: ${result.reason}`);
  if (faults.length > 0) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    return 1;
  }
  print(`reference: passes all ${checks.length} checks`);
  const isCovered = pattern !== "" || (await reportCoverage(records));
  const narrow = new Set(narrowChecks.map(({ id }) => id));
  const judged = await judgeMutants(
    threads,
    records.filter(({ result }) => narrow.has(result.check.id)),
  );
  const found = summariseKills(
    judged.verdicts,
    narrowChecks.map((check) => check.id),
  );
  const matrix = pattern === "" ? found : { ...found, unkilled_checks: [] };
  printSummary(matrix, judged, performance.now() - startedAt);
  if (pattern === "") await writeFile(REPORT_FILE, `${JSON.stringify(matrix, null, 2)}\n`);
  return isSound(matrix) && isCovered ? 0 : 1;
}

/** Whether all that the specification documents has a check or a reason why not. */
async function reportCoverage(records: readonly CheckRecord[]): Promise<boolean> {
  const coverage = summariseCoverage(
    records.map(({ result }) => ({ check: result.check, exchanges: result.exchanges })),
  );
  for (const line of renderCoverage(coverage)) print(line);
  await writeFile(COVERAGE_FILE, `${JSON.stringify(coverage, null, 2)}\n`);
  return coverage.gaps.length + coverage.stale.length === 0;
}

interface Judged {
  /** In the order of the mutants' ids. */
  readonly verdicts: readonly MutantVerdict[];
  /** Checks that were run, each as often as it was. */
  readonly runs: number;
}

/** All selected mutants over all threads; each thread gets the next one when it has judged one. */
async function judgeMutants(threads: readonly Worker[], records: readonly CheckRecord[]): Promise<Judged> {
  const verdicts: MutantVerdict[] = [];
  let runs = 0;
  const queue = selected.values();
  const compose = (mutant: Mutant): MutantTask => {
    const asked = values.all ? narrowChecks : selectChecks(mutant, records);
    runs += asked.length;
    return { mutant: mutant.id, checks: asked.map(({ id }) => id) };
  };
  const feed = async (thread: Worker): Promise<void> => {
    let pending = 0;
    const sendNext = (): void => {
      const { value: mutant } = queue.next();
      if (mutant === undefined && pending > 0) return;
      if (mutant !== undefined) pending += 1;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      thread.postMessage(mutant === undefined ? null : compose(mutant));
    };
    thread.on("message", (verdict: MutantVerdict) => {
      pending -= 1;
      verdicts.push(verdict);
      printProgress(verdict, verdicts.length);
      sendNext();
    });
    for (let index = 0; index < PARALLEL; index += 1) sendNext();
    await once(thread, "exit");
  };
  await Promise.all(threads.map(feed));
  if (verdicts.length !== selected.length) throw new Error("Not every mutant was judged.");
  return { verdicts: verdicts.toSorted((one, other) => (one.id < other.id ? -1 : 1)), runs };
}

/** They load their modules while the reference is judged. */
function startThreads(): readonly Worker[] {
  const length = Math.min(availableParallelism(), THREADS_MAX, selected.length);
  return Array.from({ length }, () => new Worker(new URL("mutants-worker.ts", import.meta.url)));
}

function printProgress(verdict: MutantVerdict, done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${done}/${selected.length} ${verdict.id}`);
  if (process.stderr.isTTY && done === selected.length) process.stderr.write("\r\u001B[2K");
}

function printSummary(matrix: KillMatrix, { runs }: Judged, durationMs: number): void {
  for (const id of matrix.survivors) {
    const { intended = [], killed_by: killedBy = [] } = matrix.mutants.find((mutant) => mutant.id === id) ?? {};
    print(`survivor: ${id}: expected ${intended.join(", ")}; killed by ${killedBy.join(", ") || "nothing"}`);
  }
  for (const { mutant, check } of matrix.false_blame) print(`false blame: ${check} objected to ${mutant}`);
  for (const { mutant, check } of matrix.orphans) print(`orphan: ${check} stepped aside for ${mutant}`);
  for (const id of matrix.unkilled_checks) print(`unkilled check: ${id}`);
  print(`checks run on mutants: ${runs} of ${selected.length * narrowChecks.length}`);
  const verdict = isSound(matrix) ? "sound" : "NOT sound";
  const killed = matrix.mutants.length - matrix.survivors.length;
  const seconds = (durationMs / 1000).toFixed(1);
  print(`${killed} of ${matrix.mutants.length} mutants killed by their checks; ${verdict}, ${seconds} s`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
