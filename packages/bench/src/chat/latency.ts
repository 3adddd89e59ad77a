/**
 * What long prompts do to others: how long a newcomer waits for its first token after four clients left in the middle of
 * theirs, and for how long a running stream stands still while another's prompt is read. The baseline does what servers
 * without prompt scheduling do: raw evaluate reads each prompt whole, whoever has left.
 */

import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { streamChat } from "./chat-client.ts";
import { storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

export interface LatencyOptions {
  readonly rounds: number;
  /** Words of the long prompt. */
  readonly longPromptWords: number;
}

const LEAVERS = 4;
const LEAVE_AFTER_MS = 1500;
const NEWCOMER_WORDS = 8;
const RUNNING_TOKENS = 96;
const FIRST_TOKEN_ONLY = 1;

const wait = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));

async function newcomerAfterLeaversMs({ target, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const leave = new AbortController();
  const leavers = Array.from({ length: LEAVERS }, () =>
    streamChat(target, { messages: storyPrompt(nextSeed(), words), tokensMax: FIRST_TOKEN_ONLY, signal: leave.signal }),
  );
  const left = Promise.allSettled(leavers);
  await wait(LEAVE_AFTER_MS);
  leave.abort();
  const newcomer = await streamChat(target, {
    messages: storyPrompt(nextSeed(), NEWCOMER_WORDS),
    tokensMax: FIRST_TOKEN_ONLY,
  });
  const outcomes = await left;
  if (outcomes.some((outcome) => outcome.status === "fulfilled"))
    throw new Error("a leaver got its answer: no prompt was long enough");
  return newcomer.deltasAtMs[0] ?? Number.NaN;
}

async function rawNewcomerAfterLeaversMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const leavers = Array.from({ length: LEAVERS }, () => ({
    messages: storyPrompt(nextSeed(), words),
    tokensMax: FIRST_TOKEN_ONLY,
    leaveAfterMs: LEAVE_AFTER_MS,
  }));
  const newcomer = {
    messages: storyPrompt(nextSeed(), NEWCOMER_WORDS),
    tokensMax: FIRST_TOKEN_ONLY,
    startAfterMs: LEAVE_AFTER_MS,
  };
  const results = await raw.call("run", [...leavers, newcomer]);
  return results.at(-1)?.tokensAtMs[0] ?? Number.NaN;
}

function longestGapMs(timesMs: readonly number[]): number {
  return Math.max(...timesMs.slice(1).map((time, index) => time - (timesMs[index] ?? time)));
}

async function longestStallMs({ target, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const started = Promise.withResolvers<void>();
  const running = streamChat(target, {
    messages: storyPrompt(nextSeed(), NEWCOMER_WORDS),
    tokensMax: RUNNING_TOKENS,
    onDelta: started.resolve,
  });
  await Promise.race([started.promise, running]);
  const other = streamChat(target, { messages: storyPrompt(nextSeed(), words), tokensMax: FIRST_TOKEN_ONLY });
  const [stream] = await Promise.all([running, other]);
  return longestGapMs(stream.deltasAtMs);
}

async function rawLongestStallMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const running = { messages: storyPrompt(nextSeed(), NEWCOMER_WORDS), tokensMax: RUNNING_TOKENS };
  const other = { messages: storyPrompt(nextSeed(), words), tokensMax: FIRST_TOKEN_ONLY, startAfterMs: 500 };
  const results = await raw.call("run", [running, other]);
  return longestGapMs(results[0]?.tokensAtMs ?? []);
}

export async function measureLatency(subjects: ChatSubjects, options: LatencyOptions): Promise<Row[]> {
  const newcomer: Pair[] = [];
  const stall: Pair[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    newcomer.push({
      ours: await newcomerAfterLeaversMs(subjects, options.longPromptWords),
      baseline: await rawNewcomerAfterLeaversMs(subjects, options.longPromptWords),
    });
    stall.push({
      ours: await longestStallMs(subjects, options.longPromptWords),
      baseline: await rawLongestStallMs(subjects, options.longPromptWords),
    });
  }
  const baselineName = "raw evaluate, whole prompts";
  return [
    summarise({ name: "newcomer's first token after 4 left in their prompts", unit: "ms", baselineName }, newcomer),
    summarise({ name: "longest stall of a stream during another's prompt", unit: "ms", baselineName }, stall),
  ];
}
