/**
 * `bench fuzz`: 20,000 damaged forms and 20,000 damaged JSON bodies on one server process, with the scripted engines
 * and an upstream that always answers. It prints what came back and how the memory grew. A 5xx, an answer without the
 * envelope, a broken connection or the end of the process makes the command fail, with the request that did it.
 */

import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { ConfigInput } from "@openai-compat/server";
import { Agent, request } from "undici";
import type { AreaOptions, AreaResult } from "../area.ts";
import { findFreePort, startGateway } from "../gateway/contender.ts";
import type { Contender } from "../gateway/contender.ts";
import { SERVER_PROGRAM, buildServer } from "../gateway/ours-contender.ts";
import { alignColumns } from "../measurement.ts";
import { mintBenchToken } from "../mint-bench-token.ts";
import { startFakeUpstream } from "./fake-upstream.ts";
import type { WorkerProcess } from "../worker.ts";
import { createFormRequest } from "./form-requests.ts";
import { createJsonRequest } from "./json-requests.ts";
import { createRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { MODELS } from "./requests.ts";
import type { FuzzRequest } from "./requests.ts";

const PROBE = new URL("../gateway/probe-worker.ts", import.meta.url);
const SEED = 4711;
const REQUESTS = 20_000;
const REQUESTS_QUICK = 2000;
const ROWS = 10;
const CONCURRENCY = 8;
const ANSWER_TIME_MS_MAX = 30_000;
const FAILURES_SHOWN = 10;
const BODY_BYTES_SHOWN = 400;
const MEBIBYTE = 2 ** 20;

const KINDS: readonly { readonly name: string; readonly create: (random: Random) => FuzzRequest }[] = [
  { name: "form", create: createFormRequest },
  { name: "json", create: createJsonRequest },
];

interface Failure {
  readonly kind: string;
  readonly number: number;
  readonly reason: string;
  readonly path: string;
  readonly headers: FuzzRequest["headers"];
  readonly body: string;
}

interface Reading {
  readonly kind: string;
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly rssMib: number;
}

export async function benchFuzz({ isQuick }: AreaOptions): Promise<AreaResult> {
  const directory = await mkdtemp(join(tmpdir(), "openai-compat-bench-"));
  const upstream = await startFakeUpstream();
  const agent = new Agent({ connections: CONCURRENCY });
  try {
    const server = await startServer(directory, upstream.baseUrl);
    const failures: Failure[] = [];
    const readings: Reading[] = [];
    /** After the first tenth and after the last, for each kind. */
    const liveMib: number[] = [];
    try {
      for (const { name, create } of KINDS) {
        const random = createRandom(SEED);
        const count = isQuick ? REQUESTS_QUICK : REQUESTS;
        for (let sent = 0; sent < count; sent += count / ROWS) {
          const requests = Array.from({ length: count / ROWS }, (_, index) => ({
            number: sent + index,
            request: create(random),
          }));
          const statuses = await sendAll(requests, {
            server,
            agent,
            report: (failure) => failures.push({ kind: name, ...failure }),
          });
          const rssMib = (await processOf(server).residentBytes()) / MEBIBYTE;
          const reading: Reading = { kind: name, sent: sent + requests.length, statuses, rssMib };
          readings.push(reading);
          console.log(formatReading(reading));
          if (sent === 0) liveMib.push((await processOf(server).liveBytes()) / MEBIBYTE);
        }
        liveMib.push((await processOf(server).liveBytes()) / MEBIBYTE);
      }
    } finally {
      await server.stop();
    }
    const faults = findFaults(await readFile(join(directory, "server.log"), "utf8"));
    if (failures.length + faults.length > 0) process.exitCode = 1;
    return {
      text: format({ readings, liveMib, failures, faults }),
      figures: { seed: SEED, readings, liveMib, failures, faults },
    };
  } finally {
    await agent.close();
    await upstream.close();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Sending {
  readonly server: Contender;
  readonly agent: Agent;
  readonly report: (failure: Omit<Failure, "kind">) => void;
}

async function sendAll(
  requests: readonly { readonly number: number; readonly request: FuzzRequest }[],
  sending: Sending,
): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  const waiting = [...requests];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { number, request: sent } = next;
      const { status, reason } = await sendOne(sent, sending);
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (reason === null) continue;
      const body = sent.body.subarray(0, BODY_BYTES_SHOWN).toString("latin1");
      sending.report({ number, reason, path: sent.path, headers: sent.headers, body });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return statuses;
}

/** @returns `reason` when it is no answer that a bad request may get. */
async function sendOne(
  sent: FuzzRequest,
  { server, agent }: Sending,
): Promise<{ status: string; reason: string | null }> {
  const { baseUrl, apiKey } = server.target;
  try {
    const response = await request(`${baseUrl}/${sent.path}`, {
      method: "POST",
      dispatcher: agent,
      headers: { ...sent.headers, authorization: `Bearer ${apiKey}` },
      body: sent.isChunked ? Readable.from(cut(sent.body)) : sent.body,
      signal: AbortSignal.timeout(ANSWER_TIME_MS_MAX),
    });
    const status = response.statusCode;
    const text = await response.body.text();
    if (status >= 500) return { status: String(status), reason: `${status}: ${text.slice(0, 300)}` };
    const isRight = status < 400 || isEnvelope(text);
    return { status: String(status), reason: isRight ? null : `${status} without the envelope: ${text.slice(0, 300)}` };
  } catch (thrown) {
    return { status: "none", reason: `no answer: ${String(thrown)}` };
  }
}

async function* cut(body: Buffer): AsyncGenerator<Buffer> {
  const size = Math.max(1, Math.ceil(body.length / 3));
  for (let start = 0; start < body.length; start += size) yield body.subarray(start, start + size);
}

function isEnvelope(text: string): boolean {
  try {
    const value: { error?: { message?: unknown; type?: unknown; code?: unknown } } = JSON.parse(text);
    return [value.error?.message, value.error?.type, value.error?.code].every((field) => typeof field === "string");
  } catch {
    return false;
  }
}

function processOf({ process: worker }: Contender): WorkerProcess {
  if (worker === null) throw new Error("The server has no process.");
  return worker;
}

function findFaults(log: string): readonly string[] {
  return log.split("\n").filter((line) => /unforeseen error|Unhandled|MaxListeners|"level":"error"/.test(line));
}

function formatReading({ kind, sent, statuses, rssMib }: Reading): string {
  const counts = Object.entries(statuses).map(([status, count]) => `${count} x ${status}`);
  return `${kind} ${String(sent).padStart(6)}  RSS ${rssMib.toFixed(0).padStart(4)} MiB  ${counts.join(", ")}`;
}

interface Figures {
  readonly readings: readonly Reading[];
  readonly liveMib: readonly number[];
  readonly failures: readonly Failure[];
  readonly faults: readonly string[];
}

function format({ readings, liveMib, failures, faults }: Figures): string {
  const table = alignColumns([
    ["kind", "sent", "RSS at a tenth", "RSS at the end", "alive at a tenth", "alive at the end"],
    ...KINDS.map(({ name }, index) => {
      const own = readings.filter(({ kind }) => kind === name);
      const show = (mebibytes: number | undefined) => `${mebibytes?.toFixed(0)} MiB`;
      const live = liveMib.slice(2 * index);
      const sizes = [own[0]?.rssMib, own.at(-1)?.rssMib, live[0], live[1]];
      return [name, String(own.at(-1)?.sent), ...sizes.map(show)];
    }),
  ]);
  const shown = failures.slice(0, FAILURES_SHOWN).map((failure) => `  ${JSON.stringify(failure)}`);
  return [
    table,
    `${failures.length} requests without a right answer (seed ${SEED})`,
    ...shown,
    `${faults.length} faults in the server's log`,
    ...faults.slice(0, FAILURES_SHOWN),
  ].join("\n");
}

async function startServer(directory: string, upstreamUrl: string): Promise<Contender> {
  buildServer();
  const port = await findFreePort();
  const secret = randomBytes(32).toString("base64url");
  const configFile = join(directory, "config.json");
  await writeFile(configFile, JSON.stringify(describeConfig({ port, directory, secret, upstreamUrl })), {
    mode: 0o600,
  });
  const apiKey = await mintBenchToken(secret, "bench");
  const log = await open(join(directory, "server.log"), "a");
  try {
    const target = { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey, model: MODELS.chat };
    return await startGateway(target, SERVER_PROGRAM, {
      arguments: ["serve", "--config", configFile],
      preload: [PROBE],
      stderr: log.fd,
    });
  } finally {
    await log.close();
  }
}

interface ConfigOptions {
  readonly port: number;
  readonly directory: string;
  readonly secret: string;
  readonly upstreamUrl: string;
}

function describeConfig({ port, directory, secret, upstreamUrl }: ConfigOptions): ConfigInput {
  const engine = { kind: "upstream" as const, baseUrls: [upstreamUrl] };
  return {
    port,
    dataDirectory: directory,
    store: "memory",
    logLevel: "warn",
    auth: { jwtSecret: secret },
    // `bench abuse` tries the limit; here every request has to be processed.
    rateLimits: { refusalsPerMinute: null },
    models: [
      { id: MODELS.chat, engine: { kind: "scripted" }, default: true },
      { id: MODELS.embedding, type: "embedding", engine: { kind: "scripted" } },
      { id: MODELS.upstreamChat, engine },
      { id: MODELS.upstreamEmbedding, type: "embedding", engine },
      { id: MODELS.transcription, type: "transcription", engine },
      { id: MODELS.speech, type: "speech", engine },
    ],
  };
}
