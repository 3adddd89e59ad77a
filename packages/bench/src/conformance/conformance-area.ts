/** `pnpm bench conformance`: what the suite's observers add to the official SDK alone, in interleaved rounds of one run. */

import type { AreaOptions, AreaResult } from "../area.ts";
import type { MockServerCalls } from "../client/mock-server-worker.ts";
import { type Cost, measureCost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import { formatTable, type Row, type RowLabel, summarise } from "../measurement.ts";
import { startWorker, type Worker } from "../worker.ts";
import type { JudgingCalls, JudgingLoad } from "./judging-worker.ts";

type Subject = Worker<JudgingCalls>;

const JUDGING_WORKER = new URL("judging-worker.ts", import.meta.url);
const AT_MOST = { of: "ratio", bound: "≤", value: 1.15 } as const;

const LOADS = [
  { name: "chats", calls: 1000, isStreamed: false },
  { name: "streams of 500 events", calls: 50, isStreamed: true },
] as const;

function label(name: string, unit: string): RowLabel {
  return { name, unit, baselineName: "openai SDK", target: AT_MOST };
}

export async function benchConformance({ rounds, isQuick }: AreaOptions): Promise<AreaResult> {
  const server = startWorker<MockServerCalls>(new URL("../client/mock-server-worker.ts", import.meta.url));
  const ours = startWorker<JudgingCalls>(JUDGING_WORKER, { arguments: ["observed"] });
  const baseline = startWorker<JudgingCalls>(JUDGING_WORKER, { arguments: ["alone"] });
  try {
    const baseUrl = await server.call("listen", null);
    const rows: Row[] = [];
    for (const { name, calls, isStreamed } of LOADS) {
      const load: JudgingLoad = { baseUrl, calls, isStreamed };
      const run = (subject: Subject) => (): Promise<Cost> =>
        measureCost(subject.cpuMs, () => subject.call("chats", load));
      // Not counted: what is compiled and loaded once.
      await inTurns(0, [run(ours), run(baseline)]);
      const pairs: { readonly ours: Cost; readonly baseline: Cost }[] = [];
      for (let round = 0; round < (isQuick ? 1 : rounds); round += 1) {
        const [our, their] = await inTurns(round, [run(ours), run(baseline)]);
        pairs.push({ ours: our, baseline: their });
      }
      const pairOf = (read: (cost: Cost) => number) =>
        pairs.map((pair) => ({ ours: read(pair.ours), baseline: read(pair.baseline) }));
      rows.push(
        summarise(
          label(`${name}, time`, "ms/call"),
          pairOf((cost) => 1000 / cost.unitsPerSecond),
        ),
        summarise(
          label(`${name}, CPU`, "ms/call"),
          pairOf((cost) => cost.cpuMsPerUnit),
        ),
      );
    }
    return { text: formatTable(rows), figures: rows };
  } finally {
    await Promise.all([ours.stop(), baseline.stop(), server.stop()]);
  }
}
