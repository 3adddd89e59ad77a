/** Tokens per second and CPU per token at several numbers of streams, ours and raw in turn, round by round. */

import type { Pair, Row } from "../measurement.ts";
import { summarise } from "../measurement.ts";
import type { Worker } from "../worker.ts";
import { streamChat } from "./chat-client.ts";
import type { ChatTarget } from "./chat-client.ts";
import { storyPrompt } from "./prompts.ts";
import type { RawChat, RawEvaluateCalls } from "./raw-evaluate-worker.ts";
import type { ServerCalls } from "./server-worker.ts";

export interface ChatSubjects {
  readonly ours: Worker<ServerCalls>;
  readonly raw: Worker<RawEvaluateCalls>;
  readonly target: ChatTarget;
  /** A number that no prompt of this run has been made from. */
  readonly nextSeed: () => number;
}

export interface ThroughputOptions {
  readonly streams: readonly number[];
  readonly rounds: number;
  readonly promptWords: number;
  readonly tokensMax: number;
}

interface Cost {
  readonly tokensPerSecond: number;
  readonly cpuMsPerToken: number;
}

async function measure(cpuMs: () => Promise<number>, run: () => Promise<number>): Promise<Cost> {
  const cpuBefore = await cpuMs();
  const startedAt = performance.now();
  const tokens = await run();
  const elapsedMs = performance.now() - startedAt;
  const cpu = (await cpuMs()) - cpuBefore;
  return { tokensPerSecond: (tokens * 1000) / elapsedMs, cpuMsPerToken: cpu / tokens };
}

function makeChats(streams: number, subjects: { nextSeed(): number }, options: ThroughputOptions): RawChat[] {
  return Array.from({ length: streams }, () => ({
    messages: storyPrompt(subjects.nextSeed(), options.promptWords),
    tokensMax: options.tokensMax,
  }));
}

/** The order alternates, so that neither subject always runs on the warmer machine. */
async function inTurns<Result>(
  round: number,
  [runFirst, runSecond]: readonly [() => Promise<Result>, () => Promise<Result>],
): Promise<[Result, Result]> {
  if (round % 2 === 0) return [await runFirst(), await runSecond()];
  const second = await runSecond();
  return [await runFirst(), second];
}

function runRaw(raw: Worker<RawEvaluateCalls>, chats: readonly RawChat[]): Promise<Cost> {
  return measure(raw.cpuMs, async () => {
    const results = await raw.call("run", chats);
    return results.reduce((sum, result) => sum + result.tokens, 0);
  });
}

export async function measureThroughput(subjects: ChatSubjects, options: ThroughputOptions): Promise<Row[]> {
  const rows: Row[] = [];
  for (const streams of options.streams) {
    const speed: Pair[] = [];
    const cpu: Pair[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      const chats = makeChats(streams, subjects, options);
      const runOurs = () =>
        measure(subjects.ours.cpuMs, async () => {
          const results = await Promise.all(chats.map((chat) => streamChat(subjects.target, chat)));
          return results.reduce((sum, result) => sum + result.completionTokens, 0);
        });
      const [ours, raw] = await inTurns(round, [runOurs, () => runRaw(subjects.raw, chats)]);
      speed.push({ ours: ours.tokensPerSecond, baseline: raw.tokensPerSecond });
      cpu.push({ ours: ours.cpuMsPerToken, baseline: raw.cpuMsPerToken });
    }
    const baselineName = "raw evaluate";
    rows.push(
      summarise({ name: `throughput, ${streams} streams`, unit: "tokens/s", baselineName }, speed),
      summarise({ name: `CPU per token, ${streams} streams`, unit: "ms", baselineName }, cpu),
    );
  }
  return rows;
}
