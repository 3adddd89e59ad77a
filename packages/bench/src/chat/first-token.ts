/** How long one call waits for its first token while nothing else runs, beside raw evaluate of the same prompt. */

import { inTurns } from "../in-turns.ts";
import { summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import type { Target } from "../target.ts";
import { streamChat } from "./chat-client.ts";
import { storyPrompt } from "./prompts.ts";
import type { ChatSubjects } from "./throughput.ts";

const atMost = (value: number): Target => ({ of: "ratio", bound: "≤", value });

const CASES = [
  { name: "first token, 206 tokens, alone", words: 165, target: atMost(1.1) },
  { name: "first token, short prompt, idle server", words: 8, target: atMost(1.25) },
];
const FIRST_TOKEN_ONLY = 1;

export async function measureFirstTokens(subjects: ChatSubjects, rounds: number): Promise<Row[]> {
  const { raw, target: server, nextSeed } = subjects;
  const rows: Row[] = [];
  for (const { name, words, target } of CASES) {
    const pairs: Pair[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const chat = { messages: storyPrompt(nextSeed(), words), tokensMax: FIRST_TOKEN_ONLY };
      const [ours, baseline] = await inTurns(round, [
        async () => (await streamChat(server, chat)).firstTokenAtMs,
        async () => (await raw.call("run", [{ ...chat, keepsPrefix: true }]))[0]?.tokensAtMs[0] ?? Number.NaN,
      ]);
      pairs.push({ ours, baseline });
    }
    rows.push(summarise({ name, unit: "ms", baselineName: "raw evaluate, 256-token chunks", target }, pairs));
  }
  return rows;
}
