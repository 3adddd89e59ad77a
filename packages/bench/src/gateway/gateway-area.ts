/**
 * `bench gateway`: our server in front of an upstream, beside the least that a gateway does and beside no gateway, on
 * one machine in one run. A missed target is reported and fails nothing.
 */

import { availableParallelism } from "node:os";
import type { AreaOptions, AreaResult } from "../area.ts";
import { startWorker } from "../worker.ts";
import { bareRecipe, directRecipe } from "./bare-contender.ts";
import type { ContenderRecipe } from "./contender.ts";
import { formatFigures, resolveFigures } from "./figures.ts";
import type { LoadClientCalls } from "./load-client-worker.ts";
import { measureMemory, resolveMemoryGrowth } from "./measures.ts";
import type { Bench, Extent, MemoryExtent, MemoryReading } from "./measures.ts";
import type { MockUpstreamCalls } from "./mock-upstream-worker.ts";
import { buildServer, oursRecipe } from "./ours-contender.ts";
import { measureRounds } from "./rounds.ts";

const FULL: Extent = {
  connections: 64,
  streams: 16,
  tokensPerStream: 500,
  loadTimeMs: 3500,
  firstEvents: 100,
  disconnects: 16,
  slowStreams: 1000,
};
const QUICK: Extent = { ...FULL, loadTimeMs: 1200, firstEvents: 40, disconnects: 8, slowStreams: 200 };
const QUICK_ROUNDS_MAX = 2;

const MEMORY = { connections: FULL.connections, warmUpRequests: 5000, requestsPerStep: 10_000, timeMs: 60_000 };
const QUICK_MEMORY = { ...MEMORY, warmUpRequests: 1000, requestsPerStep: 2000, timeMs: 10_000 };

export async function benchGateway(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? Math.min(options.rounds, QUICK_ROUNDS_MAX) : options.rounds;
  const extent = options.isQuick ? QUICK : FULL;
  const cores = availableParallelism();
  console.log(
    `${rounds} interleaved rounds; many connections: ${extent.connections}, streams side by side: ${extent.streams}; ` +
      `load client, gateway and mock upstream share ${cores} cores`,
  );
  buildServer();
  const client = startWorker<LoadClientCalls>(new URL("load-client-worker.ts", import.meta.url));
  const mock = startWorker<MockUpstreamCalls>(new URL("mock-upstream-worker.ts", import.meta.url));
  try {
    const bench = { client, mock, upstreamUrl: await mock.call("listen", null) };
    const measured = await measureRounds(bench, [directRecipe, bareRecipe, oursRecipe], { rounds, extent });
    const readings = await readMemory(bench, oursRecipe, {
      ...(options.isQuick ? QUICK_MEMORY : MEMORY),
      requests: options.requests,
    });
    const figures = resolveFigures([...measured, { ours: { memoryGrowth: resolveMemoryGrowth(readings) } }]);
    return {
      text: `${formatFigures(figures)}\n${describeMemory(readings)}`,
      figures: { cores, node: process.version, figures, memory: readings },
    };
  } finally {
    await Promise.all([client.stop(), mock.stop()]);
  }
}

/** Of a process that has done nothing else. */
async function readMemory(bench: Bench, recipe: ContenderRecipe, extent: MemoryExtent): Promise<MemoryReading[]> {
  const contender = await recipe.start(bench.upstreamUrl);
  try {
    return await measureMemory(bench, contender, extent);
  } finally {
    await contender.stop();
  }
}

const MEBIBYTE = 1024 * 1024;

function describeMemory(readings: readonly MemoryReading[]): string {
  const steps = readings.map(({ requests, residentBytes }) => `${requests}: ${Math.round(residentBytes / MEBIBYTE)}`);
  return `resident memory of ours in MiB, by requests after the warm-up: ${steps.join(", ")}`;
}
