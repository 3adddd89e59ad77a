/** Our server with all-MiniLM-L6-v2 in 8 bits on ONNX Runtime, beside our server with its GGUF file. */

import { findOnnxProblem, pullModel } from "@openai-compat/engines";
import { measureCost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import type { ServerCalls } from "../local-server.ts";
import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { buildOptions, startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { openEmbeddingClient } from "./embedding-client.ts";
import type { EmbeddingClient, RequestShape } from "./embedding-client.ts";
import type { EmbeddingSubjectOptions } from "./embedding-subject.ts";
import { shortTexts } from "./texts.ts";

const MODEL_ID = "all-minilm-l6-v2-int8";
const TEXTS_MIN = 256;
const WARM_UP_TEXTS = 32;
const CONNECTIONS = [1, 8];
const SHAPES: readonly RequestShape[] = [1, 16, 256].flatMap((textsPerRequest) =>
  CONNECTIONS.map((connections) => ({ textsPerRequest, connections })),
);

export interface ServerSubject {
  readonly server: Worker<ServerCalls>;
  readonly client: EmbeddingClient;
}

export interface OnnxComparisonOptions {
  /** The server with the GGUF file; its client has a connection for each of the largest shape's. */
  readonly gguf: ServerSubject;
  /** Those of the server with the GGUF file. */
  readonly subject: EmbeddingSubjectOptions;
  readonly rounds: number;
}

/** @returns no row where ONNX Runtime does not run, which is said on standard output */
export async function compareWithOnnx({ gguf, subject, rounds }: OnnxComparisonOptions): Promise<readonly Row[]> {
  const problem = await findOnnxProblem();
  if (problem !== null) {
    console.log(`${MODEL_ID} is not measured: ${problem.reason}`);
    return [];
  }
  const { path } = await pullModel({ id: MODEL_ID });
  const workerOptions = buildOptions({ ...subject, modelPath: path });
  const server = startWorker<ServerCalls>(new URL("onnx-server-worker.ts", import.meta.url), workerOptions);
  try {
    const client = openEmbeddingClient(await server.call("listen", null), Math.max(...CONNECTIONS));
    try {
      return await measureShapes({ onnx: { server, client }, gguf }, rounds);
    } finally {
      await client.close();
    }
  } finally {
    await server.stop();
  }
}

interface Subjects {
  readonly onnx: ServerSubject;
  readonly gguf: ServerSubject;
}

async function measureShapes({ onnx, gguf }: Subjects, rounds: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const shape of SHAPES) {
    for (const { client } of [onnx, gguf]) await client.embed(shortTexts(WARM_UP_TEXTS), shape);
    // Each connection has a request at least.
    const texts = shortTexts(Math.max(TEXTS_MIN, shape.textsPerRequest * shape.connections));
    const speed: Pair[] = [];
    const cpu: Pair[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const [ours, baseline] = await inTurns(round, [
        () => measureCost(onnx.server.cpuMs, () => onnx.client.embed(texts, shape)),
        () => measureCost(gguf.server.cpuMs, () => gguf.client.embed(texts, shape)),
      ]);
      speed.push({ ours: ours.unitsPerSecond, baseline: baseline.unitsPerSecond });
      cpu.push({ ours: ours.cpuMsPerUnit, baseline: baseline.cpuMsPerUnit });
    }
    const name = `int8 on ONNX Runtime, requests of ${shape.textsPerRequest}, ${shape.connections} at once`;
    const baselineName = "our server with the GGUF file";
    rows.push(
      summarise({ name, unit: "texts/s", baselineName }, speed),
      summarise({ name: `${name}: CPU per text`, unit: "ms", baselineName }, cpu),
    );
  }
  return rows;
}
