/**
 * `bench abuse`: one account attacks in every way at once while another one sends short chats. The model is the small
 * local one where the cache has it, else the scripted engine. Targets are printed, and fail nothing.
 */

import { randomBytes } from "node:crypto";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { findCachedModel } from "@openai-compat/engines";
import type { ConfigInput } from "@openai-compat/server";
import type { AreaOptions, AreaResult } from "../area.ts";
import { findFreePort, startGateway } from "../gateway/contender.ts";
import type { Contender } from "../gateway/contender.ts";
import { SERVER_PROGRAM, buildServer } from "../gateway/ours-contender.ts";
import { alignColumns, formatNumber, quantile } from "../measurement.ts";
import { mintBenchToken } from "../mint-bench-token.ts";
import { ATTACKS } from "./attacks.ts";
import type { Attack, AttackCounts, AttackTarget } from "./attacks.ts";
import { observe } from "./watch.ts";
import type { Observations, Watched } from "./watch.ts";

const MODEL_ID = "smollm2-135m-instruct";
const PROBE = new URL("../gateway/probe-worker.ts", import.meta.url);
const SLOTS = 4;
const CONTEXT_TOKENS = 2048;
const SCRIPTED_TOKEN_DELAY_MS = 20;
const MINUTE_MS = 60_000;
const QUIET_MS_MAX = 60_000;
const QUICK_MS = 20_000;
const SETTLE_MS = 1000;
const RATIO_TARGET = 3;
const MEGABYTE = 2 ** 20;

export async function benchAbuse(options: AreaOptions): Promise<AreaResult> {
  const plans = (options.attacks ?? Object.keys(ATTACKS)).map(planAttack);
  const attackMs = options.isQuick ? QUICK_MS : options.minutes * MINUTE_MS;
  const directory = await mkdtemp(join(tmpdir(), "openai-compat-bench-"));
  try {
    const server = await startServer(directory, options.threads);
    console.log(
      `${attackMs / 1000} s, ${SLOTS} slots on ${server.modelName}; attacks: ${plans.map(({ name }) => name).join(", ")}`,
    );
    try {
      return await measure(server, plans, attackMs);
    } finally {
      await server.contender.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface AttackedServer {
  readonly contender: Contender;
  readonly modelName: string;
  readonly attacker: AttackTarget;
  readonly victim: Watched;
}

interface AttackPlan {
  readonly name: string;
  readonly attack: Attack;
  readonly counts: AttackCounts;
}

function planAttack(name: string): AttackPlan {
  const attack = ATTACKS[name];
  if (attack === undefined) throw new Error(`There is no attack "${name}": ${Object.keys(ATTACKS).join(", ")}.`);
  return { name, attack, counts: new Map() };
}

async function measure(server: AttackedServer, plans: readonly AttackPlan[], attackMs: number): Promise<AreaResult> {
  const { contender, attacker, victim } = server;
  const readResident = () => contender.process?.residentBytes() ?? Promise.reject(new Error("there is no process"));
  const look = (durationMs: number) => observe(victim, readResident, durationMs);
  // Code that has never run, and a model that is not loaded.
  await look(SETTLE_MS);
  const quiet = await look(Math.min(QUIET_MS_MAX, attackMs));
  const stopping = new AbortController();
  const attacks = plans.map(({ attack, counts }) => attack(attacker, counts, stopping.signal));
  const attacked = await look(attackMs);
  stopping.abort();
  await Promise.all(attacks);
  await wait(SETTLE_MS);
  const figures = {
    quiet: describe(quiet),
    attacked: describe(attacked),
    ratio_p99: quantile(sort(attacked.chatsMs), 0.99) / quantile(sort(quiet.chatsMs), 0.99),
    attacks: Object.fromEntries(plans.map(({ name, counts }) => [name, Object.fromEntries(counts)])),
    model: server.modelName,
  };
  return { text: format(figures), figures };
}

function describe({ chatsMs, failures, healthsMs, residentMax, isAlive }: Observations) {
  const chats = sort(chatsMs);
  return {
    chats: chats.length,
    failures,
    p50_ms: quantile(chats, 0.5),
    p99_ms: quantile(chats, 0.99),
    max_ms: chats.at(-1) ?? Number.NaN,
    healthz_p99_ms: quantile(sort(healthsMs), 0.99),
    healthz_max_ms: sort(healthsMs).at(-1) ?? Number.NaN,
    rss_max_mb: residentMax / MEGABYTE,
    alive: isAlive,
  };
}

function sort(times: readonly number[]): readonly number[] {
  return times.toSorted((a, b) => a - b);
}

interface Figures {
  readonly quiet: ReturnType<typeof describe>;
  readonly attacked: ReturnType<typeof describe>;
  readonly ratio_p99: number;
  readonly attacks: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const ROWS = {
  chats: "the victim's chats, answered",
  p50_ms: "ms until the answer, p50",
  p99_ms: "ms until the answer, p99",
  max_ms: "ms until the answer, longest",
  healthz_p99_ms: "ms, GET /healthz, p99",
  healthz_max_ms: "ms, GET /healthz, longest",
  rss_max_mb: "MB, the server's resident memory, most",
} as const satisfies Partial<Record<keyof Figures["quiet"], string>>;

function format({ quiet, attacked, ratio_p99: ratio, attacks }: Figures): string {
  const listCounts = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([status, number]) => `${number} x ${status}`)
      .join(", ") || "none";
  const keys: (keyof typeof ROWS)[] = [
    "chats",
    "p50_ms",
    "p99_ms",
    "max_ms",
    "healthz_p99_ms",
    "healthz_max_ms",
    "rss_max_mb",
  ];
  const table = alignColumns([
    ["measure", "quiet", "attacked"],
    ...keys.map((key) => [ROWS[key], formatNumber(quiet[key]), formatNumber(attacked[key])]),
    ["the victim's chats, not answered", listCounts(quiet.failures), listCounts(attacked.failures)],
    ["the server lives", String(quiet.alive), String(attacked.alive)],
  ]);
  const verdict =
    ratio <= RATIO_TARGET && attacked.alive && Object.keys(attacked.failures).length === 0 ? "met" : "missed";
  const seen = Object.entries(attacks).map(([name, counts]) => `attack ${name} got: ${listCounts(counts)}`);
  return [
    table,
    `p99 attacked : quiet ${ratio.toFixed(2)}, target ≤ ${RATIO_TARGET}, nothing unanswered: ${verdict}`,
    ...seen,
  ].join("\n");
}

async function startServer(directory: string, threads: number): Promise<AttackedServer> {
  const cached = await findCachedModel(MODEL_ID);
  buildServer();
  const port = await findFreePort();
  const secret = randomBytes(32).toString("base64url");
  const engine =
    cached === null
      ? ({ kind: "scripted", concurrency: SLOTS, tokenDelayMs: SCRIPTED_TOKEN_DELAY_MS } as const)
      : ({ kind: "llama", model: cached.path, contextTokens: CONTEXT_TOKENS, concurrency: SLOTS, threads } as const);
  const config: ConfigInput = {
    port,
    dataDirectory: directory,
    auth: { jwtSecret: secret },
    models: [{ id: "bench", engine }],
  };
  const configFile = join(directory, "config.json");
  await writeFile(configFile, JSON.stringify(config));
  const mint = (accountId: string) => mintBenchToken(secret, accountId);
  const target = { baseUrl: `http://127.0.0.1:${port}/v1`, model: "bench" };
  const [attacker, victim] = [
    { ...target, apiKey: await mint("attacker") },
    { ...target, apiKey: await mint("victim") },
  ];
  const log = await open(join(directory, "server.log"), "a");
  try {
    const contender = await startGateway(victim, SERVER_PROGRAM, {
      arguments: ["serve", "--config", configFile],
      preload: [PROBE],
      stderr: log.fd,
    });
    return { contender, attacker, victim, modelName: cached === null ? "the scripted engine" : MODEL_ID };
  } finally {
    await log.close();
  }
}
