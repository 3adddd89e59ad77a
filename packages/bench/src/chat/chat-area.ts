/** `bench chat`: our chat endpoint beside raw `evaluate` on the same model, threads and sequences. */

import { pullModel } from "@openai-compat/engines";
import type { AreaOptions, AreaResult } from "../area.ts";
import { formatTable } from "../measurement.ts";
import { startWorker, buildOptions } from "../worker.ts";
import { startChatServer } from "./chat-subject.ts";
import type { ChatSubjectOptions } from "./chat-subject.ts";
import { measureFirstTokens } from "./first-token.ts";
import { measureLatency } from "./latency.ts";
import type { RawEvaluateCalls } from "./raw-evaluate-worker.ts";
import { measureStalls } from "./stall.ts";
import { measureThroughput } from "./throughput.ts";

const MODEL_ID = "smollm2-135m-instruct";
const STREAMS = [1, 4, 8, 16];
const QUICK_STREAMS = [1, 4];
const SEQUENCES = 16;
const CONTEXT_TOKENS = 2048;
const PROMPT_WORDS = 40;
const ANSWER_TOKENS = 48;
/** They take a fraction of a second each. */
const FIRST_TOKENS_A_ROUND = 5;
/** About 1,400 tokens. */
const LONG_PROMPT_WORDS = 1360;

export async function benchChat(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  console.log(`${rounds} interleaved rounds, ${options.threads} engine threads`);
  const { path } = await pullModel({ id: MODEL_ID });
  const subject: ChatSubjectOptions = {
    modelPath: path,
    concurrency: SEQUENCES,
    contextTokens: CONTEXT_TOKENS,
    threads: options.threads,
  };
  const { worker: ours, target } = await startChatServer(subject);
  const raw = startWorker<RawEvaluateCalls>(new URL("raw-evaluate-worker.ts", import.meta.url), buildOptions(subject));
  let seed = 0;
  const nextSeed = () => (seed += 1);
  try {
    const subjects = { ours, raw, target, nextSeed };
    await measureThroughput(subjects, { streams: [1], rounds: 1, promptWords: 8, tokensMax: 4 });
    const streams = options.isQuick ? QUICK_STREAMS : STREAMS;
    const load = { streams, rounds, promptWords: PROMPT_WORDS, tokensMax: ANSWER_TOKENS };
    const long = { rounds, longPromptWords: LONG_PROMPT_WORDS };
    const rows = [
      ...(await measureThroughput(subjects, load)),
      ...(await measureFirstTokens(subjects, rounds * FIRST_TOKENS_A_ROUND)),
      ...(await measureLatency(subjects, long)),
      ...(await measureStalls(subjects, long)),
    ];
    return { text: formatTable(rows), figures: rows };
  } finally {
    await Promise.all([ours.stop(), raw.stop()]);
  }
}
