/** How far the memory of this process rises above what it was, at its highest. */

import { writeFileSync } from "node:fs";

/** In bytes, above what there was at the start of the watch. */
export interface MemoryReading {
  /** Resident. Exact on Linux; on other systems as seen by samples. */
  readonly residentBytes: number;
  /** What JavaScript holds outside of its heap, as seen by samples. */
  readonly externalBytes: number;
}

export interface MemoryWatch {
  start(): void;
  read(): MemoryReading;
}

const INTERVAL_MS = 1;
const BYTES_PER_KIB = 1024;

export function createMemoryWatch(): MemoryWatch {
  let before = readMemory();
  let most = before;
  let timer: NodeJS.Timeout | null = null;
  const look = () => {
    const { rss, external } = readMemory();
    most = { rss: Math.max(most.rss, rss), external: Math.max(most.external, external) };
  };
  return {
    start() {
      before = readMemory();
      most = before;
      resetPeak();
      timer ??= setInterval(look, INTERVAL_MS);
    },
    read() {
      look();
      if (timer !== null) clearInterval(timer);
      timer = null;
      const rss = hasPeak ? process.resourceUsage().maxRSS * BYTES_PER_KIB : most.rss;
      return { residentBytes: rss - before.rss, externalBytes: most.external - before.external };
    },
  };
}

function readMemory(): { readonly rss: number; readonly external: number } {
  const { rss, external } = process.memoryUsage();
  return { rss, external };
}

const hasPeak = process.platform === "linux";

/** The peak of a process is that of its whole life otherwise. */
function resetPeak(): void {
  if (hasPeak) writeFileSync("/proc/self/clear_refs", "5");
}
