/**
 * `bench busy`: 64 chats of one account at once for a real model with 2 slots, one chat of another account, and
 * a client that lists the models all the time. Missed targets are reported and fail nothing.
 */

import { randomBytes } from "node:crypto";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pullModel } from "@openai-compat/engines";
import type { ConfigInput } from "@openai-compat/server";
import type { AreaOptions, AreaResult } from "../area.ts";
import { findFreePort, startGateway } from "../gateway/contender.ts";
import { SERVER_PROGRAM, buildServer } from "../gateway/ours-contender.ts";
import { alignColumns, formatNumber, quantile } from "../measurement.ts";
import { mintBenchToken } from "../mint-bench-token.ts";
import { runBurst } from "./burst.ts";
import type { Call, BurstResult, BurstTarget } from "./burst.ts";

const MODEL_ID = "smollm2-135m-instruct";
const PROBE = new URL("../gateway/probe-worker.ts", import.meta.url);
const SLOTS = 2;
const WAITING_MAX = 16;
/** Short enough that some of the queue reach it. */
const WAIT_TIME_MS_MAX = 4000;
const CONTEXT_TOKENS = 2048;
const EXTENT = { calls: 64, tokens: 48 };

export async function benchBusy(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  console.log(`${rounds} rounds, ${options.threads} engine threads, ${EXTENT.calls} chats for ${SLOTS} slots`);
  const { path: model } = await pullModel({ id: MODEL_ID });
  buildServer();
  const directory = await mkdtemp(join(tmpdir(), "openai-compat-bench-"));
  try {
    const { target, stop } = await startServer(directory, { model, threads: options.threads });
    try {
      // The first burst runs cold code.
      await runBurst(target, EXTENT);
      const results: BurstResult[] = [];
      for (let round = 0; round < rounds; round += 1) results.push(await runBurst(target, EXTENT));
      const figures = results.map(describeRound);
      return { text: formatFigures(figures), figures };
    } finally {
      await stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function startServer(
  directory: string,
  { model, threads }: { readonly model: string; readonly threads: number },
): Promise<{ readonly target: BurstTarget; readonly stop: () => Promise<void> }> {
  const port = await findFreePort();
  const secret = randomBytes(32).toString("base64url");
  const config: ConfigInput = {
    port,
    dataDirectory: directory,
    auth: { jwtSecret: secret },
    queue: { waitingMax: WAITING_MAX, waitTimeMsMax: WAIT_TIME_MS_MAX },
    models: [
      { id: "bench", engine: { kind: "llama", model, contextTokens: CONTEXT_TOKENS, concurrency: SLOTS, threads } },
    ],
  };
  const configFile = join(directory, "config.json");
  await writeFile(configFile, JSON.stringify(config));
  const mint = (accountId: string) => mintBenchToken(secret, accountId);
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  const burstKey = await mint("crowd");
  const log = await open(join(directory, "server.log"), "a");
  try {
    const server = await startGateway({ baseUrl, apiKey: burstKey, model: "bench" }, SERVER_PROGRAM, {
      arguments: ["serve", "--config", configFile],
      preload: [PROBE],
      stderr: log.fd,
    });
    const newcomerKey = await mint("newcomer");
    return { target: { baseUrl, model: "bench", burstKey, newcomerKey }, stop: () => server.stop() };
  } finally {
    await log.close();
  }
}

const FIGURES = {
  served: { unit: "answered, calls", target: null },
  refused: { unit: "refused, calls (429)", target: null },
  timedOut: { unit: "gave up waiting, calls (503 after the wait limit)", target: null },
  refusedP50Ms: { unit: "ms until 429, p50", target: 50 },
  refusedMaxMs: { unit: "ms until 429, longest", target: null },
  timedOutMaxMs: { unit: `ms until 503, longest (limit ${WAIT_TIME_MS_MAX})`, target: null },
  servedMaxMs: { unit: "ms until an answer, longest", target: null },
  newcomerMs: { unit: "ms until the other account's answer", target: null },
  servedBeforeNewcomer: { unit: "of the burst served before the other account", target: null },
  modelListP50Ms: { unit: "ms, GET /v1/models, p50", target: null },
  modelListP99Ms: { unit: "ms, GET /v1/models, p99", target: 100 },
} as const;

type Figures = Readonly<Record<keyof typeof FIGURES, number>>;

/** @throws Error when a call got an answer that a burst does not explain, or a refusal without `Retry-After`. */
function describeRound({ calls, newcomer, servedBeforeNewcomer, modelListsMs }: BurstResult): Figures {
  const times = (status: number) => sort(calls.filter((call) => call.status === status));
  const [served, refused, timedOut] = [times(200), times(429), times(503)];
  if (served.length + refused.length + timedOut.length !== calls.length) throw new Error("a call failed");
  if (newcomer.status !== 200) throw new Error(`the other account got ${newcomer.status}`);
  if (calls.some(({ status, retryAfter }) => status === 429 && Number(retryAfter) < 1)) {
    throw new Error("a refusal does not say when to come back");
  }
  const lists = modelListsMs.toSorted((a, b) => a - b);
  return {
    served: served.length,
    refused: refused.length,
    timedOut: timedOut.length,
    refusedP50Ms: quantile(refused, 0.5),
    refusedMaxMs: refused.at(-1) ?? 0,
    timedOutMaxMs: timedOut.at(-1) ?? 0,
    servedMaxMs: served.at(-1) ?? 0,
    newcomerMs: newcomer.elapsedMs,
    servedBeforeNewcomer,
    modelListP50Ms: quantile(lists, 0.5),
    modelListP99Ms: quantile(lists, 0.99),
  };
}

function sort(calls: readonly Call[]): readonly number[] {
  return calls.map(({ elapsedMs }) => elapsedMs).toSorted((a, b) => a - b);
}

function formatFigures(rounds: readonly Figures[]): string {
  const rows = Object.entries(FIGURES).map(([key, { unit, target }]) => {
    const values = rounds.map((figures) => Object.entries(figures).find(([name]) => name === key)?.[1] ?? Number.NaN);
    const verdict = target === null ? "" : values.every((value) => value <= target) ? "met" : "missed";
    return [unit, ...values.map((value) => formatNumber(value)), target === null ? "" : `≤ ${target}`, verdict];
  });
  return alignColumns([["measure", ...rounds.map((_, index) => `round ${index + 1}`), "target", ""], ...rows]);
}
