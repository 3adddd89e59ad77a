/**
 * `bench worst-bodies`: single requests within the limits, each as costly as its kind can be, and what they do to other
 * callers: how long `/healthz` takes during each, and how long the event loop is blocked. Targets are printed, and fail
 * nothing.
 */

import { setTimeout as wait } from "node:timers/promises";
import { pullModel } from "@openai-compat/engines";
import { Pool } from "undici";
import type { AreaOptions, AreaResult } from "../area.ts";
import type { ServerTarget } from "../local-server.ts";
import { alignColumns, formatNumber } from "../measurement.ts";
import { startWorker, buildOptions } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { FIELD_BODIES } from "./field-bodies.ts";
import { JSON_BODIES } from "./json-bodies.ts";
import { MESSAGE_BODIES } from "./message-bodies.ts";
import { sendBody } from "./send-body.ts";
import type { Beside } from "./send-body.ts";
import type { WorstBodiesCalls, WorstBodiesSubject } from "./server-worker.ts";
import { UPSTREAM_BODIES } from "./upstream-bodies.ts";
import { TEXT_BODIES } from "./text-bodies.ts";
import type { LoopReading } from "./loop-watch.ts";
import { startUpstream } from "./upstream.ts";
import type { WorstBody } from "./worst-body.ts";

const CHAT_MODEL = "smollm2-135m-instruct";
const EMBEDDING_MODEL = "all-minilm-l6-v2";
const CONTEXT_TOKENS = 8192;
const HEALTH_MS_MAX = 100;
/** Between two bodies, for what the last one left behind. */
const PAUSE_MS = 100;
const BODIES: readonly WorstBody[] = [
  ...MESSAGE_BODIES,
  ...FIELD_BODIES,
  ...JSON_BODIES,
  ...TEXT_BODIES,
  ...UPSTREAM_BODIES,
];

interface Figures extends Beside, LoopReading {
  readonly name: string;
}

interface Subject {
  readonly worker: Worker<WorstBodiesCalls>;
  readonly target: ServerTarget;
  readonly pool: Pool;
  stop(): Promise<void>;
}

export async function benchWorstBodies(options: AreaOptions): Promise<AreaResult> {
  const [chat, embedding] = await Promise.all([pullModel({ id: CHAT_MODEL }), pullModel({ id: EMBEDDING_MODEL })]);
  console.log(`${BODIES.length} bodies one after the other, ${options.threads} engine threads`);
  const upstream = await startUpstream();
  const subject: WorstBodiesSubject = {
    upstreamUrl: upstream.url,
    chatModel: chat.path,
    embeddingModel: embedding.path,
    contextTokens: CONTEXT_TOKENS,
    threads: options.threads,
    parallelInputs: options.parallelInputs,
  };
  try {
    const figures = await measureBodies(() => startSubject(subject));
    return { text: formatFigures(figures), figures };
  } finally {
    upstream.close();
  }
}

async function startSubject(options: WorstBodiesSubject): Promise<Subject> {
  const worker = startWorker<WorstBodiesCalls>(new URL("server-worker.ts", import.meta.url), buildOptions(options));
  const target = await worker.call("listen", null);
  const pool = new Pool(new URL(target.baseUrl).origin, { headersTimeout: 0, bodyTimeout: 0 });
  // The first calls load the models and find code that has never run.
  for (const body of WARM_UP) await sendBody(pool, target, body);
  return {
    worker,
    target,
    pool,
    async stop() {
      await pool.destroy();
      await worker.stop();
    },
  };
}

/** A body that ends the server is reported, and the next one goes to a new server. */
async function measureBodies(start: () => Promise<Subject>): Promise<Figures[]> {
  let subject = await start();
  try {
    const figures: Figures[] = [];
    for (const body of BODIES) {
      await wait(PAUSE_MS);
      try {
        figures.push(await measureBody(subject, body));
      } catch (thrown) {
        console.log(`${body.name}: the server is gone (${String(thrown)})`);
        figures.push({ ...GONE, name: body.name });
        await subject.stop();
        subject = await start();
      }
    }
    return figures;
  } finally {
    await subject.stop();
  }
}

const GONE: Omit<Figures, "name"> = {
  status: "gone",
  elapsedMs: Number.POSITIVE_INFINITY,
  healthMaxMs: Number.POSITIVE_INFINITY,
  delayMs: Number.POSITIVE_INFINITY,
  turnCpuMs: Number.POSITIVE_INFINITY,
};

async function measureBody({ worker, target, pool }: Subject, body: WorstBody): Promise<Figures> {
  await worker.call("startWatch", null);
  const beside = await sendBody(pool, target, body);
  return { name: body.name, ...beside, ...(await worker.call("readWatch", null)) };
}

const WARM_UP: readonly WorstBody[] = ["local", "scripted", "embedding", "scripted-embedding"].flatMap((model) => {
  const messages = [{ role: "user", content: "Hi" }];
  const isChat = !model.endsWith("embedding");
  const path = isChat ? "/chat/completions" : "/embeddings";
  const request = isChat ? { model, messages, max_tokens: 4 } : { model, input: "Hi" };
  return Array.from({ length: 5 }, (): WorstBody => ({ name: model, path, make: () => JSON.stringify(request) }));
});

function formatFigures(figures: readonly Figures[]): string {
  const worstFirst = figures.toSorted((left, right) => right.turnCpuMs - left.turnCpuMs);
  const missed = figures.filter(({ healthMaxMs }) => healthMaxMs > HEALTH_MS_MAX).length;
  const table = alignColumns([
    ["body", "status", "ms", "/healthz, longest", "loop delay, longest", "CPU of a turn, most", ""],
    ...worstFirst.map(({ name, status, elapsedMs, healthMaxMs, delayMs, turnCpuMs }) => [
      name,
      String(status),
      ...[elapsedMs, healthMaxMs, delayMs, turnCpuMs].map((value) => formatNumber(value)),
      healthMaxMs > HEALTH_MS_MAX ? "missed" : "met",
    ]),
  ]);
  return `${table}\n${figures.length - missed} of ${figures.length} bodies keep /healthz within ${HEALTH_MS_MAX} ms.`;
}
