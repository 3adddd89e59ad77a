/**
 * How long a new call waits for its first token after four clients disconnected in the middle of long prompts. The
 * baseline does what servers without prompt scheduling do: raw evaluate reads all prompts, whoever has left.
 */

import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import type { Target } from "../target.ts";
import { streamChat } from "./chat-client.ts";
import { storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

export interface LatencyOptions {
  readonly rounds: number;
  /** Words of the long prompt. */
  readonly longPromptWords: number;
}

const DISCONNECTING_CLIENTS = 4;
const DISCONNECT_AFTER_MS = 1500;
const NEWCOMER_WORDS = 8;
const FIRST_TOKEN_ONLY = 1;
const NEWCOMER: Target = { of: "ours", bound: "≤", value: 300 };

const wait = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));

async function newcomerAfterDisconnectsMs({ target, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const disconnect = new AbortController();
  const disconnecting = Array.from({ length: DISCONNECTING_CLIENTS }, () =>
    streamChat(target, {
      messages: storyPrompt(nextSeed(), words),
      tokensMax: FIRST_TOKEN_ONLY,
      signal: disconnect.signal,
    }),
  );
  const settledClients = Promise.allSettled(disconnecting);
  await wait(DISCONNECT_AFTER_MS);
  disconnect.abort();
  const newcomer = await streamChat(target, {
    messages: storyPrompt(nextSeed(), NEWCOMER_WORDS),
    tokensMax: FIRST_TOKEN_ONLY,
  });
  const outcomes = await settledClients;
  if (outcomes.some((outcome) => outcome.status === "fulfilled"))
    throw new Error("a disconnecting client got its answer: no prompt was long enough");
  return newcomer.firstTokenAtMs;
}

async function rawNewcomerAfterDisconnectsMs({ raw, nextSeed }: ChatSubjects, words: number): Promise<number> {
  const disconnecting = Array.from({ length: DISCONNECTING_CLIENTS }, () => ({
    messages: storyPrompt(nextSeed(), words),
    tokensMax: FIRST_TOKEN_ONLY,
    disconnectAfterMs: DISCONNECT_AFTER_MS,
  }));
  const newcomer = {
    messages: storyPrompt(nextSeed(), NEWCOMER_WORDS),
    tokensMax: FIRST_TOKEN_ONLY,
    startAfterMs: DISCONNECT_AFTER_MS,
  };
  const results = await raw.call("run", [...disconnecting, newcomer]);
  return results.at(-1)?.tokensAtMs[0] ?? Number.NaN;
}

export async function measureLatency(subjects: ChatSubjects, options: LatencyOptions): Promise<Row[]> {
  const newcomer: Pair[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    newcomer.push({
      ours: await newcomerAfterDisconnectsMs(subjects, options.longPromptWords),
      baseline: await rawNewcomerAfterDisconnectsMs(subjects, options.longPromptWords),
    });
  }
  const label = { name: "newcomer's first token after 4 left in their prompts", unit: "ms" };
  return [summarise({ ...label, baselineName: "raw evaluate, 256-token chunks", target: NEWCOMER }, newcomer)];
}
