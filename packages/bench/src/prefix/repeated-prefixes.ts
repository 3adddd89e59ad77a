/**
 * Two ways in which a prompt begins like one before it: a conversation goes on, or another user has the same system
 * prompt.
 */

import type { ChatMessage } from "@openai-compat/core";
import { streamChat } from "../chat/chat-client.ts";
import type { StreamedChat } from "../chat/chat-client.ts";
import type { ChatServer } from "../chat/chat-subject.ts";
import type { RawEvaluateCalls } from "../chat/raw-evaluate-worker.ts";
import { storyPrompt, systemPrompt } from "../chat/prompts.ts";
import { inTurns } from "../in-turns.ts";
import type { ServerTarget } from "../local-server.ts";
import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import type { Worker } from "../worker.ts";

export interface PrefixSubjects {
  readonly warm: ChatServer;
  readonly cold: ChatServer;
  readonly raw: Worker<RawEvaluateCalls>;
  /** The warm server for another account. */
  readonly otherUser: ServerTarget;
}

/** About 1,000 tokens. */
const PROMPT_WORDS = 960;
const ANSWER_TOKENS = 32;
const WARM_UP_WORDS = 8;
/** Of a prompt that counts as cold: all prompts have the template's beginning and their first words in common. */
const COLD_SHARE_MAX = 0.02;
const FIRST_TOKEN_ONLY = 1;

/** A prompt whose beginning the warm server knows, and who sends it there. */
interface Repeated {
  readonly target: ServerTarget;
  readonly messages: readonly ChatMessage[];
}

async function holdFirstTurn({ warm, raw }: PrefixSubjects, seed: number): Promise<Repeated> {
  const messages = storyPrompt(seed, PROMPT_WORDS);
  const { text } = await streamChat(warm.target, { messages, tokensMax: ANSWER_TOKENS });
  await raw.call("run", [{ messages, tokensMax: ANSWER_TOKENS, keepsPrefix: true, answer: text }]);
  const next: ChatMessage = { role: "user", content: "Now tell me what happens on the day after that." };
  return { target: warm.target, messages: [...messages, { role: "assistant", content: text }, next] };
}

async function serveFirstUser({ warm, raw, otherUser }: PrefixSubjects, seed: number): Promise<Repeated> {
  const system = systemPrompt(seed, PROMPT_WORDS);
  const ask = (content: string): readonly ChatMessage[] => [system, { role: "user", content }];
  const first = { messages: ask("Tell me a story about a lantern."), tokensMax: ANSWER_TOKENS };
  await streamChat(warm.target, first);
  await raw.call("run", [{ ...first, keepsPrefix: true }]);
  return { target: otherUser, messages: ask("Who sails on the river, and where do they go?") };
}

const CASES = [
  { name: "second turn of a 1,000-token chat", prepare: holdFirstTurn },
  { name: "another user, same 1,000-token system prompt", prepare: serveFirstUser },
];

interface FirstToken {
  readonly chat: StreamedChat;
  readonly timeMs: number;
  readonly cpuMs: number;
}

async function measureFirstToken(server: ChatServer, { target, messages }: Repeated): Promise<FirstToken> {
  const cpuBefore = await server.worker.cpuMs();
  const chat = await streamChat(target, { messages, tokensMax: FIRST_TOKEN_ONLY });
  const cpuMs = (await server.worker.cpuMs()) - cpuBefore;
  return { chat, timeMs: chat.firstTokenAtMs, cpuMs };
}

/** @throws Error when the cold server knew more of a prompt than its first words, or a prompt had another length there. */
export async function measurePrefixes(subjects: PrefixSubjects, rounds: number): Promise<Row[]> {
  let seed = 0;
  for (const { target } of [subjects.warm, subjects.cold]) {
    await streamChat(target, { messages: storyPrompt((seed += 1), WARM_UP_WORDS), tokensMax: ANSWER_TOKENS });
  }
  const rows: Row[] = [];
  for (const { name, prepare } of CASES) {
    const measured: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const repeated = await prepare(subjects, (seed += 1));
      const [warm, cold] = await inTurns(round, [
        () => measureFirstToken(subjects.warm, repeated),
        () => measureFirstToken(subjects.cold, { ...repeated, target: subjects.cold.target }),
      ]);
      assertCold(cold.chat, warm.chat);
      const { messages } = repeated;
      const [first] = await subjects.raw.call("run", [{ messages, tokensMax: FIRST_TOKEN_ONLY, keepsPrefix: true }]);
      measured.push({ warm, cold, rawMs: first?.tokensAtMs[0] ?? Number.NaN });
    }
    rows.push(...describeCase(name, measured));
  }
  return rows;
}

function assertCold(cold: StreamedChat, warm: StreamedChat): void {
  if (cold.cachedTokens > COLD_SHARE_MAX * cold.promptTokens)
    throw new Error(`the cold server had ${cold.cachedTokens} tokens of the prompt in memory`);
  if (cold.promptTokens !== warm.promptTokens) throw new Error("the prompts differ");
}

interface Measured {
  readonly warm: FirstToken;
  readonly cold: FirstToken;
  readonly rawMs: number;
}

function describeCase(name: string, measured: readonly Measured[]): Row[] {
  const pair = (read: (token: FirstToken) => number): Pair[] =>
    measured.map(({ warm, cold }) => ({ ours: read(warm), baseline: read(cold) }));
  const kept = measured.map(({ warm }) => ({ ours: warm.chat.cachedTokens, baseline: warm.chat.promptTokens }));
  const baselineName = "the same prompt, cold";
  const target = { of: "ratio", bound: "≤", value: 0.2 } as const;
  const beside = { baselineName: "raw evaluate, prefix kept", target: { ...target, value: 1.15 } } as const;
  return [
    summarise(
      { name: `${name}: first token`, unit: "ms", ...beside },
      measured.map(({ warm, rawMs }) => ({ ours: warm.timeMs, baseline: rawMs })),
    ),
    summarise(
      { name: `${name}: first token`, unit: "ms", baselineName, target },
      pair(({ timeMs }) => timeMs),
    ),
    summarise(
      { name: `${name}: CPU until its end`, unit: "ms", baselineName },
      pair(({ cpuMs }) => cpuMs),
    ),
    summarise({ name: `${name}: cached_tokens`, unit: "tokens", baselineName: "prompt_tokens" }, kept),
  ];
}
