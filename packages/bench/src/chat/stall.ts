/**
 * What running streams lose while others' prompts are read: for how long one stands still at most during a long prompt,
 * and the gaps between the tokens of several while ordinary prompts follow each other.
 */

import { quantile, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import type { Target } from "../target.ts";
import { streamChat } from "./chat-client.ts";
import type { LatencyOptions } from "./latency.ts";
import { listPrompt, storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

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
const STREAMS = [4, 8];
/** About 206 tokens each. */
const PROMPT_WORDS = 165;
const PROMPTS = 5;
const HALF_OF_RAW: Target = { of: "ratio", bound: "≤", value: 0.5 };
const GAP: Target = { of: "ours", bound: "≤", value: 150 };

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

interface BesideOptions {
  readonly streams: number;
  /** One after the other. */
  readonly prompts: number;
  readonly words: number;
}

/** Steps of the streams while the prompts are read. Says so when a stream had ended before. */
async function stepsBesidePrompts(subjects: ChatSubjects, options: BesideOptions): Promise<readonly number[]> {
  const { streams, prompts, words } = options;
  const running = Array.from({ length: streams }, () => startStream(subjects));
  await Promise.all(running.map(({ isSteady }) => isSteady));
  const sentAtMs = performance.now();
  for (let prompt = 0; prompt < prompts; prompt += 1) {
    const messages = storyPrompt(subjects.nextSeed(), words);
    await streamChat(subjects.target, { messages, tokensMax: FIRST_TOKEN_ONLY });
  }
  const readAtMs = performance.now();
  await Promise.all(running.map(({ hasEnded }) => hasEnded));
  const endedAtMs = Math.min(...running.map(({ tokensAtMs }) => tokensAtMs.at(-1) ?? sentAtMs));
  if (endedAtMs < readAtMs) {
    console.log(
      `${streams} streams: one had ended ${Math.round(readAtMs - endedAtMs)} ms before the prompts were read`,
    );
  }
  return running
    .flatMap(({ tokensAtMs }) => listSteps(tokensAtMs))
    .filter(({ fromMs, toMs }) => toMs > sentAtMs && fromMs < readAtMs)
    .map(stepMs);
}

interface Step {
  readonly fromMs: number;
  readonly toMs: number;
}

function listSteps(timesMs: readonly number[]): readonly Step[] {
  return timesMs.slice(1).map((toMs, index) => ({ fromMs: timesMs[index] ?? toMs, toMs }));
}

const stepMs = ({ fromMs, toMs }: Step) => toMs - fromMs;

/** All prompts at once, on sequences of their own: raw evaluate has no queue. */
async function rawStepsBesidePrompts(
  { raw, nextSeed }: ChatSubjects,
  options: BesideOptions,
): Promise<readonly number[]> {
  const { streams, prompts, words } = options;
  const running = Array.from({ length: streams }, () => ({
    messages: listPrompt(nextSeed()),
    tokensMax: RUNNING_TOKENS,
    runsOn: true,
  }));
  const others = Array.from({ length: prompts }, (_, index) => ({
    messages: storyPrompt(nextSeed(), words),
    tokensMax: FIRST_TOKEN_ONLY,
    startAfterMs: RAW_START_MS * (1 + streams + index),
  }));
  const results = await raw.call("run", [...running, ...others]);
  const firstAtMs = RAW_START_MS * (1 + streams);
  const lastAtMs = Math.max(
    ...results.slice(streams).map(({ tokensAtMs }, index) => (others[index]?.startAfterMs ?? 0) + (tokensAtMs[0] ?? 0)),
  );
  return results
    .slice(0, streams)
    .flatMap(({ tokensAtMs }) => listSteps(tokensAtMs))
    .filter(({ fromMs, toMs }) => toMs > firstAtMs && fromMs < lastAtMs)
    .map(stepMs);
}

const p99 = (gapsMs: readonly number[]) =>
  quantile(
    gapsMs.toSorted((a, b) => a - b),
    0.99,
  );

export async function measureStalls(subjects: ChatSubjects, options: LatencyOptions): Promise<Row[]> {
  const long = { streams: 1, prompts: 1, words: options.longPromptWords };
  const stalls: Pair[] = [];
  const gaps = STREAMS.map((streams): { streams: number; pairs: Pair[] } => ({ streams, pairs: [] }));
  for (let round = 0; round < options.rounds; round += 1) {
    const ours = Math.max(...(await stepsBesidePrompts(subjects, long)));
    stalls.push({ ours, baseline: Math.max(...(await rawStepsBesidePrompts(subjects, long))) });
    for (const { streams, pairs } of gaps) {
      const beside = { streams, prompts: PROMPTS, words: PROMPT_WORDS };
      const oursMs = p99(await stepsBesidePrompts(subjects, beside));
      pairs.push({ ours: oursMs, baseline: p99(await rawStepsBesidePrompts(subjects, beside)) });
    }
  }
  const labels = { unit: "ms", baselineName: "raw evaluate, 256-token chunks" };
  return [
    summarise(
      { ...labels, name: "longest stall of a stream during a 1,400-token prompt", target: HALF_OF_RAW },
      stalls,
    ),
    ...gaps.map(({ streams, pairs }) =>
      summarise({ ...labels, name: `gap p99 with prompts beside, ${streams} streams`, target: GAP }, pairs),
    ),
  ];
}
