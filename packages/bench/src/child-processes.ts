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
  /** Of its children that have ended. */
  readonly endedCpuMs: number;
  readonly residentBytes: number;
}

/** The kernel counts in hundredths of a second for programs, whatever its own clock is. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

/** Memory is of those that live, CPU time also of those that have ended. @throws Error where there is no `/proc` */
export function sumChildProcesses(): { readonly cpuMs: number; readonly residentBytes: number } {
  if (process.platform !== "linux") throw new Error("The CPU time of models' processes can be read on Linux alone.");
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readStat);
  const family = new Set([process.pid]);
  const sum = { cpuMs: all.find(({ pid }) => pid === process.pid)?.endedCpuMs ?? 0, residentBytes: 0 };
  // A parent has the smaller number, unless the numbers have begun anew.
  for (const { pid, parentPid, cpuMs, endedCpuMs, residentBytes } of all.toSorted(
    (left, right) => left.pid - right.pid,
  )) {
    if (!family.has(parentPid)) continue;
    family.add(pid);
    sum.cpuMs += cpuMs + endedCpuMs;
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
  const read = (index: number): number => Number(fields[index] ?? 0);
  return [
    {
      pid: Number(pid),
      parentPid: read(1),
      cpuMs: (read(11) + read(12)) * TICK_MS,
      endedCpuMs: (read(13) + read(14)) * TICK_MS,
      residentBytes: read(21) * PAGE_BYTES,
    },
  ];
}
