/** `pnpm bench client`: `client.v1` and the official SDK on the same server, in interleaved rounds of one run. */

import type { AreaOptions, AreaResult } from "../area.ts";
import { measureCost } from "../cost.ts";
import type { Cost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import { formatTable, summarise } from "../measurement.ts";
import type { Pair, RowLabel } from "../measurement.ts";
import { startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import type { ClientCalls, Load } from "./client-worker.ts";
import type { MockServerCalls } from "./mock-server-worker.ts";

type Subject = Worker<ClientCalls>;

const CLIENT_WORKER = new URL("client-worker.ts", import.meta.url);
const BASELINE_NAME = "openai SDK";
const AT_LEAST = { of: "ratio", bound: "≥", value: 1 } as const;
const AT_MOST = { of: "ratio", bound: "≤", value: 1 } as const;

const CHATS_PER_SECOND: RowLabel = {
  name: "chats, 8 at once",
  unit: "calls/s",
  baselineName: BASELINE_NAME,
  target: AT_LEAST,
};
const CHAT_CPU: RowLabel = { name: "chats, client's CPU", unit: "ms/call", baselineName: BASELINE_NAME };
const EVENT_CPU: RowLabel = {
  name: "streams, client's CPU",
  unit: "µs/event",
  baselineName: BASELINE_NAME,
  target: AT_MOST,
};

interface Sample {
  readonly chats: Cost;
  readonly streams: Cost;
}

async function measure(subject: Subject, chats: Load, streams: Load): Promise<Sample> {
  return {
    chats: await measureCost(subject.cpuMs, () => subject.call("chats", chats)),
    streams: await measureCost(subject.cpuMs, () => subject.call("streams", streams)),
  };
}

export async function benchClient({ rounds, isQuick }: AreaOptions): Promise<AreaResult> {
  const server = startWorker<MockServerCalls>(new URL("mock-server-worker.ts", import.meta.url));
  const ours = startWorker<ClientCalls>(CLIENT_WORKER, { arguments: ["ours"] });
  const baseline = startWorker<ClientCalls>(CLIENT_WORKER, { arguments: ["sdk"] });
  try {
    const baseUrl = await server.call("listen", null);
    const chats = { baseUrl, calls: isQuick ? 500 : 3000, concurrency: 8 };
    const streams = { baseUrl, calls: isQuick ? 20 : 100, concurrency: 2 };
    const run = (subject: Subject) => () => measure(subject, chats, streams);
    // Not counted: what is compiled and loaded once.
    await inTurns(0, [run(ours), run(baseline)]);
    const pairs: { readonly ours: Sample; readonly baseline: Sample }[] = [];
    for (let round = 0; round < (isQuick ? 1 : rounds); round += 1) {
      const [our, their] = await inTurns(round, [run(ours), run(baseline)]);
      pairs.push({ ours: our, baseline: their });
    }
    const pairOf = (read: (sample: Sample) => number): Pair[] =>
      pairs.map((pair) => ({ ours: read(pair.ours), baseline: read(pair.baseline) }));
    const rows = [
      summarise(
        CHATS_PER_SECOND,
        pairOf((sample) => sample.chats.unitsPerSecond),
      ),
      summarise(
        CHAT_CPU,
        pairOf((sample) => sample.chats.cpuMsPerUnit),
      ),
      summarise(
        EVENT_CPU,
        pairOf((sample) => sample.streams.cpuMsPerUnit * 1000),
      ),
    ];
    return { text: formatTable(rows), figures: rows };
  } finally {
    await Promise.all([ours.stop(), baseline.stop(), server.stop()]);
  }
}
