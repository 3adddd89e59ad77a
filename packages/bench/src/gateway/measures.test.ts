import { afterAll, beforeAll, expect, test } from "vitest";
import { startWorker } from "../worker.ts";
import { bareRecipe, directRecipe } from "./bare-contender.ts";
import type { Contender } from "./contender.ts";
import type { LoadClientCalls } from "./load-client-worker.ts";
import type { MockUpstreamCalls } from "./mock-upstream-worker.ts";
import {
  measureColdStart,
  measureFirstEvent,
  measureDisconnects,
  measureManyConnections,
  measureMemory,
  measureOneConnection,
  measurePaced,
  measureSlowStreams,
  measureStreams,
  resolveMemoryGrowth,
} from "./measures.ts";
import type { Bench, Extent } from "./measures.ts";
import { measureRounds } from "./rounds.ts";

const TINY: Extent = {
  connections: 4,
  streams: 2,
  tokensPerStream: 20,
  loadTimeMs: 100,
  firstEvents: 3,
  disconnects: 2,
  slowStreams: 3,
};

let bench: Bench;
let bare: Contender;

beforeAll(async () => {
  const client = startWorker<LoadClientCalls>(new URL("load-client-worker.ts", import.meta.url));
  const mock = startWorker<MockUpstreamCalls>(new URL("mock-upstream-worker.ts", import.meta.url));
  bench = { client, mock, upstreamUrl: await mock.call("listen", null) };
  bare = await bareRecipe.start(bench.upstreamUrl);
});

afterAll(async () => {
  await Promise.all([bare.stop(), bench.client.stop(), bench.mock.stop()]);
});

test("non-streaming requests are counted and timed on many connections and on one", async () => {
  const many = await measureManyConnections(bench, bare, TINY);
  expect(many["jsonRequests"]).toBeGreaterThanOrEqual(TINY.connections);
  expect(many["jsonCpuMs"]).toBeGreaterThan(0);
  const one = await measureOneConnection(bench, bare, TINY);
  expect(one["oneRequests"]).toBeGreaterThanOrEqual(1);
});

test("every event of a stream is counted, its role, its end and [DONE] too", async () => {
  const { events } = await measureStreams(bench, bare, TINY);
  expect(events).toBeGreaterThanOrEqual(TINY.streams * (TINY.tokensPerStream + 3));
  expect(Number(events) % (TINY.tokensPerStream + 3)).toBe(0);
  expect(await measureFirstEvent(bench, bare, { ...TINY, loadTimeMs: 10_000 })).toMatchObject({ firstEvents: 3 });
});

test("requests at a fixed rate are as many as the rate says", async () => {
  expect(await measurePaced(bench, bare, TINY)).toMatchObject({ pacedRequests: 10 });
});

test("slow streams are counted as whole where nothing of them is missing", async () => {
  const slow = await measureSlowStreams(bench, bare, TINY);
  expect(slow).toMatchObject({ slowStreams: 3, slowWholePercent: 100 });
  expect(slow["slowEventCpuUs"]).toBeGreaterThan(0);
  const elsewhere = { ...bare, target: { ...bare.target, baseUrl: bare.target.baseUrl.replace("/v1", "/v2") } };
  expect(await measureSlowStreams(bench, elsewhere, TINY)).toMatchObject({ slowWholePercent: 0 });
});

test("disconnects are noticed by the upstream behind the baseline, one by one and all at once", async () => {
  expect(await measureDisconnects(bench, bare, TINY)).toMatchObject({ disconnected: 4, closed: 4, closedPercent: 100 });
});

test("without a gateway there is no CPU time to report, but all the rest", async () => {
  const direct = await directRecipe.start(bench.upstreamUrl);
  const sample = await measureManyConnections(bench, direct, TINY);
  expect(sample).not.toHaveProperty("jsonCpuMs");
  expect(sample["jsonRequests"]).toBeGreaterThanOrEqual(TINY.connections);
});

test("a cold start ends with an answer through the started process", async () => {
  expect((await measureColdStart(bench, bareRecipe))["coldStartMs"]).toBeGreaterThan(0);
});

test("each round has every measure of every contender, and what a gateway adds to the upstream", async () => {
  const rounds = await measureRounds(bench, [directRecipe, bareRecipe], { rounds: 2, extent: TINY });
  expect(rounds).toHaveLength(2);
  for (const { direct, bare: behind } of rounds) {
    const counted = ["closedPercent", "events", "firstEvents", "jsonRequests", "oneRequests"];
    const steady = [...counted, "pacedRequests", "slowWholePercent"];
    expect(Object.keys(direct ?? {})).toEqual(expect.arrayContaining(steady));
    expect(Object.keys(behind ?? {})).toEqual(expect.arrayContaining([...steady, "coldStartMs"]));
    expect(behind?.["addedP50Ms"]).toBe(Number(behind?.["oneP50Ms"]) - Number(direct?.["oneP50Ms"]));
    expect(behind?.["addedPacedP99Ms"]).toBe(Number(behind?.["pacedP99Ms"]) - Number(direct?.["pacedP99Ms"]));
  }
});

test("memory is read after the warm-up and after each step up to the last request", async () => {
  const extent = { connections: 2, warmUpRequests: 4, requests: 25, requestsPerStep: 10, timeMs: 20_000 };
  const readings = await measureMemory(bench, bare, extent);
  expect(readings.map((reading) => reading.requests)).toEqual([0, 10, 20, 25]);
});

test("an answer that isn't 200 fails the measurement and says what came", async () => {
  const elsewhere = { ...bare, target: { ...bare.target, baseUrl: bare.target.baseUrl.replace("/v1", "/v2") } };
  await expect(measureOneConnection(bench, elsewhere, TINY)).rejects.toThrow("answered 404");
});

test("memory is flat when its second half does not rise above its first", () => {
  const readings = (...values: number[]) => values.map((residentBytes, requests) => ({ requests, residentBytes }));
  expect(resolveMemoryGrowth(readings(100, 120, 110, 120))).toBe(1);
  expect(resolveMemoryGrowth(readings(100, 120, 150, 180))).toBe(1.5);
});
