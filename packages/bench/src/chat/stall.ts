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
import { listPrompt, storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

/** As our engine reads prompts on a CPU. */
const CHUNK_TOKENS = 64;
const STEADY_TOKENS = 16;
/** Many more than the long prompt has chunks: where the machine is busy, the other's request may come late. */
const RUNNING_TOKENS = 192;
/**
 * An output format that is not complete before the tokens run out: free text might end while the other prompt is read.
 */
const LONG_LIST = {
  response_format: {
    type: "json_schema",
    json_schema: {
      name: "list",
      schema: {
        type: "object",
        properties: { numbers: { type: "array", items: { type: "integer" }, minItems: RUNNING_TOKENS } },
        required: ["numbers"],
      },
    },
  },
};
const FIRST_TOKEN_ONLY = 1;
const RAW_START_MS = 500;
const STREAMS = [1, 4];
/** One chunk, and a tenth for the machine's moods: both sides are the longest of some twenty times. */
const DELAY_IN_CHUNKS: Target = { of: "ratio", bound: "≤", value: 1.1 };

interface Steps {
  /** The longest that the prompt touched. */
  readonly longestMs: number;
  /** The median of those before it. */
  readonly usualMs: number;
}

interface RunningStream {
  readonly tokensAtMs: readonly number[];
  /** It has sampled as many tokens as are needed to know its usual step. */
  readonly isSteady: Promise<unknown>;
  readonly hasEnded: Promise<unknown>;
}

function startStream({ target, nextSeed }: ChatSubjects): RunningStream {
  const steady = Promise.withResolvers<void>();
  const tokensAtMs: number[] = [];
  const onDelta = () => {
    tokensAtMs.push(performance.now());
    if (tokensAtMs.length === STEADY_TOKENS) steady.resolve();
  };
  const chat = { messages: listPrompt(nextSeed()), tokensMax: RUNNING_TOKENS, parameters: LONG_LIST };
  const hasEnded = streamChat(target, { ...chat, onDelta });
  return { tokensAtMs, isSteady: Promise.race([steady.promise, hasEnded]), hasEnded };
}

/** Says so when a stream had ended before the prompt was read: then the prompt waited for the streams. */
async function stepsBesidePrompt(
  subjects: ChatSubjects,
  { streams, words }: { readonly streams: number; readonly words: number },
): Promise<Steps> {
  const running = Array.from({ length: streams }, () => startStream(subjects));
  await Promise.all(running.map(({ isSteady }) => isSteady));
  const sentAtMs = performance.now();
  const messages = storyPrompt(subjects.nextSeed(), words);
  const other = await streamChat(subjects.target, { messages, tokensMax: FIRST_TOKEN_ONLY });
  const readAtMs = sentAtMs + other.firstTokenAtMs;
  await Promise.all(running.map(({ hasEnded }) => hasEnded));
  const endedAtMs = Math.min(...running.map(({ tokensAtMs }) => tokensAtMs.at(-1) ?? sentAtMs));
  if (endedAtMs < readAtMs) {
    const earlierMs = Math.round(readAtMs - endedAtMs);
    console.log(`${streams} streams: one had ended ${earlierMs} ms before the other's prompt was read`);
  }
  const steps = running.flatMap(({ tokensAtMs }) => listSteps(tokensAtMs));
  return {
    longestMs: longest(steps.filter(({ fromMs, toMs }) => toMs > sentAtMs && fromMs < readAtMs)),
    usualMs: median(steps.filter(({ toMs }) => toMs <= sentAtMs).map(({ fromMs, toMs }) => toMs - fromMs)),
  };
}

interface Step {
  readonly fromMs: number;
  readonly toMs: number;
}

function listSteps(timesMs: readonly number[]): readonly Step[] {
  return timesMs.slice(1).map((toMs, index) => ({ fromMs: timesMs[index] ?? toMs, toMs }));
}

function longest(steps: readonly Step[]): number {
  return Math.max(...steps.map(({ fromMs, toMs }) => toMs - fromMs));
}

async function rawLongestStallMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const running = { messages: listPrompt(nextSeed()), tokensMax: RUNNING_TOKENS, runsOn: true };
  const other = {
    messages: storyPrompt(nextSeed(), words),
    tokensMax: FIRST_TOKEN_ONLY,
    startAfterMs: RAW_START_MS,
  };
  const results = await raw.call("run", [running, other]);
  return longest(listSteps(results[0]?.tokensAtMs ?? []));
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
