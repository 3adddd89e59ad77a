/**
 * `pnpm mutants [PATTERN]`: shows that the reference passes every check, that each mutant is killed by its intended
 * checks and no other, and that each check kills a mutant. Writes `mutants.json`; exits 1 unless all of it holds. A
 * pattern runs only the mutants whose id contains it, and writes nothing.
 */

import { writeFile } from "node:fs/promises";
import { checks } from "../checks/index.ts";
import { findReferenceFaults, isSound, type KillMatrix, type MutantVerdict, runKillMatrix } from "./kill-matrix.ts";
import { mutants } from "./mutants/index.ts";

/** One thread serves, asks and judges: more at once only helps while wires wait. */
const PARALLEL = 8;
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
  const found = await runKillMatrix({ mutants: selected, parallel: PARALLEL, onVerdict: printProgress });
  const matrix = pattern === "" ? found : { ...found, unkilled_checks: [] };
  printSummary(matrix, performance.now() - startedAt);
  if (pattern === "") await writeFile(REPORT_FILE, `${JSON.stringify(matrix, null, 2)}\n`);
  return isSound(matrix) ? 0 : 1;
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
