/** Tokens per second and CPU per token at several numbers of streams, ours and raw in turn, round by round. */

import { measureCost } from "../cost.ts";
import type { Cost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import type { ServerCalls, ServerTarget } from "../local-server.ts";
import type { Pair, Row } from "../measurement.ts";
import { summarise } from "../measurement.ts";
import type { Target } from "../target.ts";
import type { Worker } from "../worker.ts";
import { streamChat } from "./chat-client.ts";
import { storyPrompt } from "./prompts.ts";
import type { RawChat, RawEvaluateCalls } from "./raw-evaluate-worker.ts";

export interface ChatSubjects {
  readonly ours: Worker<ServerCalls>;
  readonly raw: Worker<RawEvaluateCalls>;
  readonly target: ServerTarget;
  /** A number that no prompt of this run has been made from. */
  readonly nextSeed: () => number;
}

const SPEED: Target = { of: "ratio", bound: "≥", value: 0.95 };
const CPU: Target = { of: "ratio", bound: "≤", value: 1.08 };

export interface ThroughputOptions {
  readonly streams: readonly number[];
  readonly rounds: number;
  readonly promptWords: number;
  readonly tokensMax: number;
}

function makeChats(streams: number, subjects: { nextSeed(): number }, options: ThroughputOptions): RawChat[] {
  return Array.from({ length: streams }, () => ({
    messages: storyPrompt(subjects.nextSeed(), options.promptWords),
    tokensMax: options.tokensMax,
  }));
}

function runRaw(raw: Worker<RawEvaluateCalls>, chats: readonly RawChat[]): Promise<Cost> {
  return measureCost(raw.cpuMs, async () => {
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
        measureCost(subjects.ours.cpuMs, async () => {
          const results = await Promise.all(chats.map((chat) => streamChat(subjects.target, chat)));
          return results.reduce((sum, result) => sum + result.completionTokens, 0);
        });
      const [ours, raw] = await inTurns(round, [runOurs, () => runRaw(subjects.raw, chats)]);
      speed.push({ ours: ours.unitsPerSecond, baseline: raw.unitsPerSecond });
      cpu.push({ ours: ours.cpuMsPerUnit, baseline: raw.cpuMsPerUnit });
    }
    const baselineName = "raw evaluate, 256-token chunks";
    rows.push(
      summarise({ name: `throughput, ${streams} streams`, unit: "tokens/s", baselineName, target: SPEED }, speed),
      summarise({ name: `CPU per token, ${streams} streams`, unit: "ms", baselineName, target: CPU }, cpu),
    );
  }
  return rows;
}
