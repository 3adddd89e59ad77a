/** What a subject's work takes of time and of its process's CPU. */

export interface Cost {
  readonly unitsPerSecond: number;
  readonly cpuMsPerUnit: number;
}

/** @param run does the work. @returns by how many units, as tokens or texts. */
export async function measureCost(cpuMs: () => Promise<number>, run: () => Promise<number>): Promise<Cost> {
  const cpuBefore = await cpuMs();
  const startedAt = performance.now();
  const units = await run();
  const elapsedMs = performance.now() - startedAt;
  const cpu = (await cpuMs()) - cpuBefore;
  return { unitsPerSecond: (units * 1000) / elapsedMs, cpuMsPerUnit: cpu / units };
}
