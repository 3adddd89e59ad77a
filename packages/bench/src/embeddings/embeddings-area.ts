/**
 * `bench embeddings`: vectors of short texts from our server, beside the same native contexts with no server around
 * them, and from our server with the same encoder on ONNX Runtime.
 */

import { pullModel } from "@openai-compat/engines";
import type { AreaOptions, AreaResult } from "../area.ts";
import { measureCost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import type { ServerCalls } from "../local-server.ts";
import { formatTable, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { startWorker, buildOptions } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { openEmbeddingClient } from "./embedding-client.ts";
import type { EmbeddingClient, RequestShape } from "./embedding-client.ts";
import type { EmbeddingSubjectOptions } from "./embedding-subject.ts";
import { compareWithOnnx } from "./onnx-comparison.ts";
import type { RawContextsCalls } from "./raw-contexts-worker.ts";
import { shortTexts } from "./texts.ts";

const MODEL_ID = "all-minilm-l6-v2";
const CONTEXT_TOKENS = 512;
const TEXTS = 256;
const WARM_UP_TEXTS = 32;
const SHAPES: readonly RequestShape[] = [
  { textsPerRequest: 256, connections: 1 },
  { textsPerRequest: 16, connections: 1 },
  { textsPerRequest: 1, connections: 8 },
];

interface Subjects {
  readonly ours: Worker<ServerCalls>;
  readonly client: EmbeddingClient;
  readonly raw: Worker<RawContextsCalls>;
}

export async function benchEmbeddings(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  const { parallelInputs } = options;
  console.log(`${rounds} interleaved rounds, ${TEXTS} texts each, ${parallelInputs} contexts of one thread each`);
  const { path } = await pullModel({ id: MODEL_ID });
  const subject: EmbeddingSubjectOptions = { modelPath: path, contextTokens: CONTEXT_TOKENS, threads: parallelInputs };
  const workerOptions = buildOptions(subject);
  const ours = startWorker<ServerCalls>(new URL("server-worker.ts", import.meta.url), workerOptions);
  const raw = startWorker<RawContextsCalls>(new URL("raw-contexts-worker.ts", import.meta.url), workerOptions);
  const connectionsMax = Math.max(...SHAPES.map(({ connections }) => connections));
  const client = openEmbeddingClient(await ours.call("listen", null), connectionsMax);
  try {
    const rows = await measureShapes({ ours, client, raw }, rounds);
    rows.push(...(await compareWithOnnx({ gguf: { server: ours, client }, subject, rounds })));
    return { text: formatTable(rows), figures: rows };
  } finally {
    await client.close();
    await Promise.all([ours.stop(), raw.stop()]);
  }
}

async function measureShapes({ ours, client, raw }: Subjects, rounds: number): Promise<Row[]> {
  const warmUp = shortTexts(WARM_UP_TEXTS);
  for (const shape of SHAPES) await client.embed(warmUp, shape);
  await raw.call("embed", warmUp);
  const texts = shortTexts(TEXTS);
  const rows: Row[] = [];
  for (const shape of SHAPES) {
    const speed: Pair[] = [];
    const cpu: Pair[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [fromOurs, fromRaw] = await inTurns(round, [
        () => measureCost(ours.cpuMs, () => client.embed(texts, shape)),
        () => measureCost(raw.cpuMs, () => raw.call("embed", texts)),
      ]);
      speed.push({ ours: fromOurs.unitsPerSecond, baseline: fromRaw.unitsPerSecond });
      cpu.push({ ours: fromOurs.cpuMsPerUnit, baseline: fromRaw.cpuMsPerUnit });
    }
    rows.push(...describeShape(shape, speed, cpu));
  }
  return rows;
}

function describeShape({ textsPerRequest, connections }: RequestShape, speed: Pair[], cpu: Pair[]): Row[] {
  const name = `requests of ${textsPerRequest}, ${connections} at once`;
  const baselineName = "raw contexts";
  const target = { of: "ratio", bound: "≥", value: 0.9 } as const;
  return [
    summarise({ name, unit: "texts/s", baselineName, target }, speed),
    summarise({ name: `${name}: CPU per text`, unit: "ms", baselineName }, cpu),
  ];
}
