/**
 * `bench uploads`: a form with a recording of 25 MB, relayed to an upstream that reads it and answers at once, or decoded
 * and held for a local one. What it takes of the server: how far memory rises, how long the event loop is held, CPU time.
 */

import { Readable } from "node:stream";
import { Pool } from "undici";
import type { AreaOptions, AreaResult } from "../area.ts";
import type { ServerTarget } from "../local-server.ts";
import { alignColumns, formatNumber, median } from "../measurement.ts";
import { buildOptions, startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import type { MockUpstreamCalls } from "./mock-upstream-worker.ts";
import { createRecording } from "./recordings.ts";
import type { RecordingFormat } from "./recordings.ts";
import type { UploadModel, UploadServerCalls, UploadSubject } from "./server-worker.ts";

const FILE_BYTES = 25_000_000;
const MEBIBYTE = 2 ** 20;
const UPLOADS = 8;
/** Of files that take many seconds to decode. */
const UPLOADS_LOCAL = 2;
const BOUNDARY = "bench-boundary";

interface Shape {
  readonly name: string;
  readonly model: UploadModel;
  /** Default: wav. */
  readonly format?: RecordingFormat;
  readonly fileBytes: number;
  /** Of the chunks of HTTP in which it is sent; null for a declared length. */
  readonly chunkBytes: number | null;
}

const SHAPES: readonly Shape[] = [
  { name: "declared length", model: "upstream", fileBytes: FILE_BYTES, chunkBytes: null },
  { name: "chunks of 64 KiB", model: "upstream", fileBytes: FILE_BYTES, chunkBytes: 65_536 },
  { name: "chunks of 1,000 B", model: "upstream", fileBytes: FILE_BYTES, chunkBytes: 1000 },
  { name: "chunks of 100 B", model: "upstream", fileBytes: 2_500_000, chunkBytes: 100 },
  { name: "wav, local", model: "local", fileBytes: FILE_BYTES, chunkBytes: null },
  { name: "flac, local", model: "local", format: "flac", fileBytes: FILE_BYTES, chunkBytes: null },
  { name: "mp3, local", model: "local", format: "mp3", fileBytes: FILE_BYTES, chunkBytes: null },
];

interface Row {
  readonly name: string;
  readonly fileMib: number;
  readonly residentMib: number;
  readonly externalMib: number;
  readonly delayP99Ms: number;
  /** The most of the event loop's thread in one go. */
  readonly turnCpuMs: number;
  readonly cpuMs: number;
  readonly elapsedMs: number;
}

export async function benchUploads({ rounds, isQuick }: AreaOptions): Promise<AreaResult> {
  const upstream = startWorker<MockUpstreamCalls>(new URL("mock-upstream-worker.ts", import.meta.url));
  try {
    const subject: UploadSubject = { upstreamUrl: await upstream.call("listen", null) };
    const rows: Row[] = [];
    for (const shape of SHAPES) {
      const runs: Row[] = [];
      for (let round = 0; round < (isQuick ? 1 : rounds); round += 1)
        runs.push(await measureShape(shape, subject, upstream));
      rows.push(summariseRuns(shape, runs));
    }
    return { text: format(rows), figures: rows };
  } finally {
    await upstream.stop();
  }
}

/** In a server of its own, whose memory no earlier upload has raised. */
async function measureShape(shape: Shape, subject: UploadSubject, upstream: Worker<MockUpstreamCalls>): Promise<Row> {
  const server = startWorker<UploadServerCalls>(new URL("server-worker.ts", import.meta.url), buildOptions(subject));
  const target = await server.call("listen", null);
  const pool = new Pool(new URL(target.baseUrl).origin, { connections: 1 });
  const bytes = createForm(shape, shape.fileBytes);
  const small = createForm(shape, 50_000);
  const send = async (body: Buffer, { chunkBytes }: Shape) => upload(pool, target, { body, chunkBytes });
  try {
    for (let count = 0; count < 20; count += 1) await send(small, shape);
    await server.liveBytes();
    await upstream.call("takeBytes", null);
    await server.call("startMemoryWatch", null);
    await send(bytes, shape);
    const { residentBytes, externalBytes } = await server.call("readMemoryWatch", null);
    const relayed = await upstream.call("takeBytes", null);
    if (shape.model === "upstream" && relayed < shape.fileBytes)
      throw new Error(`the upstream got ${relayed} bytes of ${shape.fileBytes}`);
    await server.call("startLoopWatch", null);
    const cpuBefore = await server.cpuMs();
    const startedAt = performance.now();
    const uploads = shape.model === "local" ? UPLOADS_LOCAL : UPLOADS;
    for (let count = 0; count < uploads; count += 1) await send(bytes, shape);
    const elapsedMs = (performance.now() - startedAt) / uploads;
    const cpuMs = ((await server.cpuMs()) - cpuBefore) / uploads;
    const { delayP99Ms, turnCpuMs } = await server.call("readLoopWatch", null);
    return {
      name: shape.name,
      fileMib: shape.fileBytes / MEBIBYTE,
      residentMib: residentBytes / MEBIBYTE,
      externalMib: externalBytes / MEBIBYTE,
      delayP99Ms,
      turnCpuMs,
      cpuMs,
      elapsedMs,
    };
  } finally {
    await pool.close();
    await server.stop();
  }
}

function createForm({ model, format: recordingFormat = "wav" }: Shape, fileBytes: number): Buffer {
  const head = (disposition: string) => `--${BOUNDARY}\r\ncontent-disposition: form-data; ${disposition}\r\n`;
  return Buffer.concat([
    Buffer.from(`${head('name="file"; filename="speech.wav"')}content-type: audio/wav\r\n\r\n`),
    createRecording(recordingFormat, fileBytes),
    Buffer.from(`\r\n${head('name="model"')}\r\n${model}\r\n--${BOUNDARY}--\r\n`),
  ]);
}

interface Upload {
  readonly body: Buffer;
  readonly chunkBytes: number | null;
}

async function upload(pool: Pool, { baseUrl, apiKey }: ServerTarget, { body, chunkBytes }: Upload): Promise<void> {
  const answer = await pool.request({
    path: `${new URL(baseUrl).pathname}/audio/transcriptions`,
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": `multipart/form-data; boundary=${BOUNDARY}` },
    body: chunkBytes === null ? body : Readable.from(frameChunks(body, chunkBytes)),
  });
  const text = await answer.body.text();
  if (answer.statusCode !== 200) throw new Error(`an upload was answered with ${answer.statusCode}: ${text}`);
}

function* frameChunks(body: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let start = 0; start < body.length; start += chunkBytes) yield body.subarray(start, start + chunkBytes);
}

function summariseRuns({ name, fileBytes }: Shape, runs: readonly Row[]): Row {
  const middle = (read: (row: Row) => number) => median(runs.map(read));
  return {
    name,
    fileMib: fileBytes / MEBIBYTE,
    residentMib: middle((row) => row.residentMib),
    externalMib: middle((row) => row.externalMib),
    delayP99Ms: middle((row) => row.delayP99Ms),
    turnCpuMs: middle((row) => row.turnCpuMs),
    cpuMs: middle((row) => row.cpuMs),
    elapsedMs: middle((row) => row.elapsedMs),
  };
}

function format(rows: readonly Row[]): string {
  return alignColumns([
    [
      "form sent in",
      "file MiB",
      "RSS rise MiB",
      "buffers rise MiB",
      "loop p99 ms",
      "longest turn, CPU ms",
      "CPU ms",
      "wall ms",
    ],
    ...rows.map((row) => [
      row.name,
      ...[row.fileMib, row.residentMib, row.externalMib, row.delayP99Ms, row.turnCpuMs, row.cpuMs, row.elapsedMs].map(
        formatNumber,
      ),
    ]),
  ]);
}
