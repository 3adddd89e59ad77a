/**
 * What running streams lose while another's long prompt is read: for how long they stand still at most, beside raw
 * evaluate that reads prompts whole, and by how much that is longer than their usual step, beside the longest chunk of
 * that prompt read raw with nothing else running.
 */

import { median, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import type { Target } from "../target.ts";
import { streamChat } from "./chat-client.ts";
import type { LatencyOptions } from "./latency.ts";
import { storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

/** As our engine reads prompts on a CPU. */
const CHUNK_TOKENS = 64;
const RUNNING_WORDS = 8;
/** More than twice as many as there are chunks in the long prompt: most steps are usual ones. */
const RUNNING_TOKENS = 96;
const FIRST_TOKEN_ONLY = 1;
const RAW_START_MS = 500;
const STREAMS = [1, 4];
/** One chunk, and a tenth for the machine's moods: both sides are the longest of some twenty times. */
const DELAY_IN_CHUNKS: Target = { of: "ratio", bound: "≤", value: 1.1 };

interface Steps {
  readonly longestMs: number;
  /** The median. */
  readonly usualMs: number;
}

function measureSteps(streams: readonly (readonly number[])[]): Steps {
  const steps = streams.flatMap((timesMs) =>
    timesMs.slice(1).map((timeMs, index) => timeMs - (timesMs[index] ?? timeMs)),
  );
  return { longestMs: Math.max(...steps), usualMs: median(steps) };
}

async function stepsBesidePrompt(
  { target, nextSeed }: ChatSubjects,
  { streams, words }: { readonly streams: number; readonly words: number },
): Promise<Steps> {
  const running = Array.from({ length: streams }, () => {
    const started = Promise.withResolvers<void>();
    const messages = storyPrompt(nextSeed(), RUNNING_WORDS);
    const ended = streamChat(target, { messages, tokensMax: RUNNING_TOKENS, onDelta: started.resolve });
    return { started: Promise.race([started.promise, ended]), ended };
  });
  await Promise.all(running.map(({ started }) => started));
  const other = streamChat(target, { messages: storyPrompt(nextSeed(), words), tokensMax: FIRST_TOKEN_ONLY });
  const results = await Promise.all(running.map(({ ended }) => ended));
  await other;
  return measureSteps(results.map(({ deltasAtMs }) => deltasAtMs));
}

async function rawLongestStallMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const running = { messages: storyPrompt(nextSeed(), RUNNING_WORDS), tokensMax: RUNNING_TOKENS };
  const other = {
    messages: storyPrompt(nextSeed(), words),
    tokensMax: FIRST_TOKEN_ONLY,
    startAfterMs: RAW_START_MS,
  };
  const results = await raw.call("run", [running, other]);
  return measureSteps([results[0]?.tokensAtMs ?? []]).longestMs;
}

async function rawLongestChunkMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const reading = { messages: storyPrompt(nextSeed(), words), chunkTokens: CHUNK_TOKENS };
  return Math.max(...(await raw.call("timeChunks", reading)));
}

export async function measureStalls(subjects: ChatSubjects, options: LatencyOptions): Promise<Row[]> {
  const words = options.longPromptWords;
  const stalls: Pair[] = [];
  const delays = STREAMS.map((streams): { streams: number; pairs: Pair[] } => ({ streams, pairs: [] }));
  for (let round = 0; round < options.rounds; round += 1) {
    for (const { streams, pairs } of delays) {
      const { longestMs, usualMs } = await stepsBesidePrompt(subjects, { streams, words });
      pairs.push({ ours: longestMs - usualMs, baseline: await rawLongestChunkMs(subjects, words) });
      if (streams === 1) stalls.push({ ours: longestMs, baseline: await rawLongestStallMs(subjects, words) });
    }
  }
  const unit = "ms";
  return [
    summarise(
      { name: "longest stall of a stream during another's prompt", unit, baselineName: "raw evaluate, whole prompts" },
      stalls,
    ),
    ...delays.map(({ streams, pairs }) =>
      summarise(
        {
          name: `longest delay of a step during another's prompt, ${streams} streams`,
          unit,
          baselineName: "longest chunk of that prompt, raw",
          target: DELAY_IN_CHUNKS,
        },
        pairs,
      ),
    ),
  ];
}
