/**
 * `pnpm mutants [PATTERN]`: shows that the reference passes every check, that each mutant is killed by its intended
 * checks and no other, and that each check kills a mutant. Writes `mutants.json`; exits 1 unless all of it holds. A
 * pattern runs only the mutants whose id contains it, and writes nothing.
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { checks } from "../checks/index.ts";
import { findReferenceFaults, isSound, type KillMatrix, type MutantVerdict, summariseKills } from "./kill-matrix.ts";
import { mutants } from "./mutants/index.ts";

/** Wires at once in a thread, which serves, asks and judges: more only helps while wires wait. */
const PARALLEL = 16;
/** More threads than this have too little to do. */
const THREADS_MAX = 8;
const REPORT_FILE = "mutants.json";

const pattern = process.argv[2] ?? "";
const selected = mutants.filter((mutant) => mutant.id.includes(pattern));
process.exitCode = selected.length === 0 ? 2 : await main();

async function main(): Promise<number> {
  const startedAt = performance.now();
  const faults = await findReferenceFaults();
  for (const { check, outcome, reason } of faults) print(`reference: ${outcome} ${check.id}: ${reason}`);
  if (faults.length > 0) return 1;
  print(`reference: passes all ${checks.length} checks`);
  const found = summariseKills(
    await judgeMutants(),
    checks.map((check) => check.id),
  );
  const matrix = pattern === "" ? found : { ...found, unkilled_checks: [] };
  printSummary(matrix, performance.now() - startedAt);
  if (pattern === "") await writeFile(REPORT_FILE, `${JSON.stringify(matrix, null, 2)}\n`);
  return isSound(matrix) ? 0 : 1;
}

/** All selected mutants over all threads, in the order of their ids. */
async function judgeMutants(): Promise<readonly MutantVerdict[]> {
  const threads = Math.min(availableParallelism(), THREADS_MAX, selected.length);
  const verdicts: MutantVerdict[] = [];
  const judgeShare = async (_: unknown, thread: number): Promise<void> => {
    const ids = selected.filter((_mutant, index) => index % threads === thread).map(({ id }) => id);
    const worker = new Worker(new URL("mutants-worker.ts", import.meta.url), {
      workerData: { ids, parallel: PARALLEL },
    });
    worker.on("message", (verdict: MutantVerdict) => {
      verdicts.push(verdict);
      printProgress(verdict, verdicts.length);
    });
    await once(worker, "exit");
  };
  await Promise.all(Array.from({ length: threads }, judgeShare));
  if (verdicts.length !== selected.length) throw new Error("Not every mutant was judged.");
  return verdicts.toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

function printProgress(verdict: MutantVerdict, done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${done}/${selected.length} ${verdict.id}`);
  if (process.stderr.isTTY && done === selected.length) process.stderr.write("\r\u001B[2K");
}

function printSummary(matrix: KillMatrix, durationMs: number): void {
  for (const id of matrix.survivors) {
    const { intended = [], killed_by: killedBy = [] } = matrix.mutants.find((mutant) => mutant.id === id) ?? {};
    print(`survivor: ${id}: expected ${intended.join(", ")}; killed by ${killedBy.join(", ") || "nothing"}`);
  }
  for (const { mutant, check } of matrix.false_blame) print(`false blame: ${check} objected to ${mutant}`);
  for (const id of matrix.unkilled_checks) print(`unkilled check: ${id}`);
  const verdict = isSound(matrix) ? "sound" : "NOT sound";
  const killed = matrix.mutants.length - matrix.survivors.length;
  const seconds = (durationMs / 1000).toFixed(1);
  print(`${killed} of ${matrix.mutants.length} mutants killed by their checks; ${verdict}, ${seconds} s`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
