/** What is measured of one contender, one function each. None knows which contender it has or what would be good. */

import { setTimeout as wait } from "node:timers/promises";
import { median, quantile } from "../measurement.ts";
import type { Worker } from "../worker.ts";
import type { Contender, ContenderRecipe } from "./contender.ts";
import type { LoadClientCalls } from "./load-client-worker.ts";
import type { MockUpstreamCalls } from "./mock-upstream-worker.ts";

export interface Bench {
  readonly client: Worker<LoadClientCalls>;
  readonly mock: Worker<MockUpstreamCalls>;
  readonly upstreamUrl: string;
}

/** How much is measured. */
export interface Extent {
  readonly connections: number;
  readonly streams: number;
  readonly tokensPerStream: number;
  /** Of each load, in each round. */
  readonly loadTimeMs: number;
  readonly firstEvents: number;
  /** Streams that the client disconnects from, one after the other, and then once all together. */
  readonly disconnects: number;
  /** Streams at once whose events come at the pace of a model. */
  readonly slowStreams: number;
}

/** A measure's name and its value; CPU times are missing where there is no process. */
export type Sample = Readonly<Record<string, number>>;

/**
 * Runs a load.
 *
 * @returns its result and the CPU milliseconds that it took of the contender; null for one without a process.
 */
async function withCpu<Result>(
  contender: Contender,
  run: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly cpuMs: number | null }> {
  const before = await contender.process?.cpuMs();
  const result = await run();
  const after = await contender.process?.cpuMs();
  return { result, cpuMs: before === undefined || after === undefined ? null : after - before };
}

const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export async function measureManyConnections(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const clientBefore = await bench.client.cpuMs();
  const { connections, loadTimeMs: durationMs } = extent;
  const load = { target: contender.target, connections, durationMs, requestsMax: NO_LIMIT };
  const { result, cpuMs } = await withCpu(contender, () => bench.client.call("json", load));
  const clientCpuMs = (await bench.client.cpuMs()) - clientBefore;
  return {
    jsonRequests: result.requests,
    jsonPerSecond: (result.requests * 1000) / result.elapsedMs,
    jsonP50Ms: quantile(result.latenciesMs, 0.5),
    jsonP99Ms: quantile(result.latenciesMs, 0.99),
    ...(cpuMs === null ? {} : { jsonCpuMs: cpuMs / result.requests }),
    clientCpuMs: clientCpuMs / result.requests,
  };
}

export async function measureOneConnection(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const durationMs = extent.loadTimeMs / 2;
  const load = { target: contender.target, connections: 1, durationMs, requestsMax: NO_LIMIT };
  const result = await bench.client.call("json", load);
  const { requests, latenciesMs } = result;
  return { oneRequests: requests, oneP50Ms: quantile(latenciesMs, 0.5), oneP99Ms: quantile(latenciesMs, 0.99) };
}

const PACED_PER_SECOND = 100;

/** Requests that come one after the other with pauses: nothing is hot when the next one comes. */
export async function measurePaced(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const load = { target: contender.target, requestsPerSecond: PACED_PER_SECOND, durationMs: extent.loadTimeMs };
  const latenciesMs = await bench.client.call("paced", load);
  return {
    pacedRequests: latenciesMs.length,
    pacedP50Ms: quantile(latenciesMs, 0.5),
    pacedP99Ms: quantile(latenciesMs, 0.99),
  };
}

export async function measureStreams(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const { streams, tokensPerStream, loadTimeMs: durationMs } = extent;
  const load = {
    target: contender.target,
    connections: streams,
    tokens: tokensPerStream,
    durationMs,
    requestsMax: NO_LIMIT,
  };
  const { result, cpuMs } = await withCpu(contender, () => bench.client.call("streams", load));
  return {
    events: result.events,
    eventsPerSecond: (result.events * 1000) / result.elapsedMs,
    ...(cpuMs === null ? {} : { thousandEventsCpuMs: (cpuMs * 1000) / result.events }),
  };
}

const SLOW_STREAM = { tokens: 100, openingMs: 1000 };
const SLOW_EVENT_INTERVAL_MS = 20;

/** Events that come one by one on many streams: each is a read and a write of its own. */
export async function measureSlowStreams(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const { slowStreams: streams } = extent;
  const load = { ...SLOW_STREAM, target: contender.target, streams };
  await bench.mock.call("setEventInterval", SLOW_EVENT_INTERVAL_MS);
  const { result, cpuMs } = await withCpu(contender, () => bench.client.call("slowStreams", load));
  await bench.mock.call("setEventInterval", 0);
  return {
    slowStreams: streams,
    slowWholePercent: (100 * result.whole) / streams,
    slowFirstEventP99Ms: quantile(result.firstEventsMs, 0.99),
    ...(cpuMs === null ? {} : { slowEventCpuUs: (cpuMs * 1000) / result.events }),
  };
}

const SHORT_STREAM_TOKENS = 8;

export async function measureFirstEvent(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const load = { target: contender.target, connections: 1, tokens: SHORT_STREAM_TOKENS };
  const requestsMax = extent.firstEvents;
  const result = await bench.client.call("streams", { ...load, durationMs: extent.loadTimeMs, requestsMax });
  return { firstEvents: result.firstEventsMs.length, firstEventP50Ms: quantile(result.firstEventsMs, 0.5) };
}

const DISCONNECTED_STREAM_INTERVAL_MS = 5;
/** An upstream that was not closed by then counts as never closed. */
const DISCONNECT_TIMEOUT_MS = 2000;

/** Streams run at the pace of a fast model, so that disconnects come in the middle of them. */
export async function measureDisconnects(bench: Bench, contender: Contender, extent: Extent): Promise<Sample> {
  const { target } = contender;
  const delaysMs: number[] = [];
  await bench.mock.call("takeDisconnects", { count: 0, timeoutMs: 0 });
  await bench.mock.call("setEventInterval", DISCONNECTED_STREAM_INTERVAL_MS);
  for (const streams of [...Array.from({ length: extent.disconnects }, () => 1), extent.disconnects]) {
    const disconnectedAtMs = await bench.client.call("disconnect", { target, streams });
    const closedAtMs = await bench.mock.call("takeDisconnects", { count: streams, timeoutMs: DISCONNECT_TIMEOUT_MS });
    for (const closed of closedAtMs) delaysMs.push(closed - disconnectedAtMs);
  }
  await bench.mock.call("setEventInterval", 0);
  const disconnected = 2 * extent.disconnects;
  return {
    disconnected,
    closed: delaysMs.length,
    closedPercent: (100 * delaysMs.length) / disconnected,
    closeP50Ms: delaysMs.length === 0 ? Number.NaN : median(delaysMs),
  };
}

export async function measureColdStart(bench: Bench, recipe: ContenderRecipe): Promise<Sample> {
  const contender = await recipe.start(bench.upstreamUrl);
  await contender.stop();
  return { coldStartMs: contender.startTimeMs };
}

export interface MemoryExtent {
  readonly connections: number;
  readonly warmUpRequests: number;
  readonly requests: number;
  /** Between two readings. */
  readonly requestsPerStep: number;
  /** It ends then, however many requests there were. */
  readonly timeMs: number;
}

export interface MemoryReading {
  /** After the warm-up. */
  readonly requests: number;
  readonly residentBytes: number;
}

const SETTLE_MS = 200;

export async function measureMemory(
  bench: Bench,
  contender: Contender,
  extent: MemoryExtent,
): Promise<MemoryReading[]> {
  const subject = contender.process;
  if (subject === null) throw new Error("without a process there is no memory to measure");
  const endsAt = performance.now() + extent.timeMs;
  const send = async (requestsMax: number) => {
    const durationMs = Math.max(0, endsAt - performance.now());
    const { target } = contender;
    const { requests } = await bench.client.call("json", {
      target,
      connections: extent.connections,
      durationMs,
      requestsMax,
    });
    await wait(SETTLE_MS);
    return requests;
  };
  await send(extent.warmUpRequests);
  const readings = [{ requests: 0, residentBytes: await subject.residentBytes() }];
  let sent = 0;
  while (sent < extent.requests && performance.now() < endsAt) {
    sent += await send(Math.min(extent.requestsPerStep, extent.requests - sent));
    readings.push({ requests: sent, residentBytes: await subject.residentBytes() });
  }
  return readings;
}

/** The highest reading of the second half to the highest of the first: about 1 when memory is flat. */
export function resolveMemoryGrowth(readings: readonly MemoryReading[]): number {
  const middle = Math.ceil(readings.length / 2);
  const highest = (part: readonly MemoryReading[]) => Math.max(...part.map((reading) => reading.residentBytes));
  return highest(readings.slice(middle)) / highest(readings.slice(0, middle));
}
