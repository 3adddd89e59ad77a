/**
 * CPU time and memory of the processes that this one has started, and those that they have: a server's models run in processes of their
 * own. Read from `/proc`, so on Linux alone.
 */

import { readFileSync, readdirSync } from "node:fs";

interface ProcessStat {
  readonly pid: number;
  readonly parentPid: number;
  /** User and system, of all its threads. */
  readonly cpuMs: number;
  readonly residentBytes: number;
}

/** The kernel counts in hundredths of a second for programs, whatever its own clock is. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** Processes that ended before are not among them. @throws Error where there is no `/proc` */
export function sumChildProcesses(): { readonly cpuMs: number; readonly residentBytes: number } {
  if (process.platform !== "linux") throw new Error("The CPU time of models' processes can be read on Linux alone.");
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat);
  const family = new Set([process.pid]);
  const sum = { cpuMs: 0, residentBytes: 0 };
  // A parent has the smaller number, unless the numbers have begun anew.
  for (const { pid, parentPid, cpuMs, residentBytes } of all.toSorted((left, right) => left.pid - right.pid)) {
    if (!family.has(parentPid)) continue;
    family.add(pid);
    sum.cpuMs += cpuMs;
    sum.residentBytes += residentBytes;
  }
  return sum;
}

/** @returns none for a process that has ended meanwhile */
function readStat(pid: string): readonly ProcessStat[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return [];
  }
  // Its name may hold anything, and ends with the last parenthesis.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parentPid, user, system, pages] = [fields[1], fields[11], fields[12], fields[21]].map(Number);
  const cpuMs = ((user ?? 0) + (system ?? 0)) * TICK_MS;
  return [{ pid: Number(pid), parentPid: parentPid ?? 0, cpuMs, residentBytes: (pages ?? 0) * PAGE_BYTES }];
}
