/**
 * What it costs to score a prompt (`echo` with `logprobs`), and how long a short chat of another account waits
 * meanwhile.
 */

import { setTimeout as wait } from "node:timers/promises";
import { streamChat } from "../chat/chat-client.ts";
import type { ChatServer } from "../chat/chat-subject.ts";
import { storyPrompt } from "../chat/prompts.ts";
import type { ServerTarget } from "../local-server.ts";
import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";

const SCORED_TOKENS = 1000;
const CHAT_WORDS = 8;
const CHAT_TOKENS = 8;
/** The first chunk is being scored by then. */
const HEAD_START_MS = 100;
const OTHER_ACCOUNT = "another";

/** Ids that no text makes: each is unlikely after the one before it, which is the most costly case. */
function oddTokens(seed: number): readonly number[] {
  return Array.from({ length: SCORED_TOKENS }, (_, index) => 1000 + (((index + seed * 31) * 7919) % 40_000));
}

async function complete({ baseUrl, apiKey, model }: ServerTarget, fields: object): Promise<void> {
  const response = await fetch(`${baseUrl}/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model, temperature: 0, ...fields }),
  });
  if (!response.ok) throw new Error(`a completion got ${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

const score = (target: ServerTarget, seed: number) =>
  complete(target, { prompt: oddTokens(seed), echo: true, logprobs: 5, max_tokens: 0 });
const read = (target: ServerTarget, seed: number) => complete(target, { prompt: oddTokens(seed), max_tokens: 1 });

async function measureCpu({ worker }: ChatServer, work: () => Promise<void>): Promise<number> {
  const before = await worker.cpuMs();
  await work();
  return ((await worker.cpuMs()) - before) / SCORED_TOKENS;
}

async function timeChat(target: ServerTarget, seed: number): Promise<number> {
  const startedAt = performance.now();
  await streamChat(target, { messages: storyPrompt(seed, CHAT_WORDS), tokensMax: CHAT_TOKENS });
  return performance.now() - startedAt;
}

export async function measureScoring(server: ChatServer, rounds: number): Promise<Row[]> {
  const { target } = server;
  const other: ServerTarget = { ...target, apiKey: await server.worker.call("mintKey", OTHER_ACCOUNT) };
  const cpu: Pair[] = [];
  const chat: Pair[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const seed = round * 4;
    cpu.push({
      ours: await measureCpu(server, () => score(target, seed)),
      baseline: await measureCpu(server, () => read(target, seed + 1)),
    });
    const scoring = score(target, seed + 2);
    await wait(HEAD_START_MS);
    const beside = await timeChat(other, seed + 2);
    await scoring;
    chat.push({ ours: beside, baseline: await timeChat(other, seed + 3) });
  }
  return [
    summarise(
      { name: "a score of 1,000 odd tokens: CPU per token", unit: "ms", baselineName: "the prompt only read" },
      cpu,
    ),
    summarise(
      { name: "8 tokens of another account beside that score", unit: "ms", baselineName: "with nothing beside" },
      chat,
    ),
  ];
}
